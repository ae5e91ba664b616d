"""Attempt: one call to AWS on behalf of a submission. Look: one search for what became of it. Beat: a process that lives."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount


class Phase(models.TextChoices):
    OPEN = "open", _("under way")
    CLOSED = "closed", _("ended")


class Outcome(models.TextChoices):
    DONE = "done", _("AWS has it")
    REFUSED_RETRY = "refused_retry", _("refused for now")
    REFUSED_FINAL = "refused_final", _("refused")
    NOT_SENT = "not_sent", _("not sent")
    UNKNOWN = "unknown", _("no proof yet")
    ABSENT = "absent", _("proven not at AWS")
    WAIVED = "waived", _("a person decided")


class Attempt(models.Model):
    """Committed before the call; closed after it. Never deleted, never rewritten but to a better-proven outcome."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="attempts")
    n = models.PositiveIntegerField()
    token = models.PositiveIntegerField()  # the submission's, at the intent
    started_at = models.DateTimeField()
    send_not_after = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)  # the request's X-Amz-Date
    bound = models.DateTimeField()  # a look that finds nothing counts only from here on, by AWS's clock
    account_id_at_aws = models.CharField(max_length=12)
    role_arn = models.CharField(max_length=2048, blank=True)
    endpoint = models.CharField(max_length=200)
    access_key_id = models.CharField(max_length=128, blank=True)
    payload_sha256 = models.CharField(max_length=64)
    worker = models.CharField(max_length=150)
    phase = models.CharField(max_length=6, choices=Phase.choices, default=Phase.OPEN)
    outcome = models.CharField(max_length=13, choices=Outcome.choices, blank=True)
    error_class = models.CharField(max_length=80, blank=True)
    error_text = models.TextField(blank=True)
    aws_code = models.CharField(max_length=80, blank=True)
    http_status = models.PositiveIntegerField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    invocation_id = models.CharField(max_length=60, blank=True)
    remote_id = models.CharField(max_length=500, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("started_at", "id")
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(fields=("submission", "n"), name="attempt_numbered_once"),
            models.UniqueConstraint(
                fields=("submission",), condition=Q(phase=Phase.OPEN), name="attempt_one_open_per_submission"
            ),
            models.CheckConstraint(
                condition=Q(phase=Phase.OPEN, outcome="") | (Q(phase=Phase.CLOSED) & ~Q(outcome="")),
                name="attempt_closed_has_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=("started_at", "outcome"), name="attempt_counted"),
            models.Index(fields=("account_id_at_aws", "started_at", "outcome"), name="attempt_counted_of"),
        ]

    def __str__(self) -> str:
        return f"{self.submission_id}#{self.n} {self.outcome or self.phase}"


class LookResult(models.TextChoices):
    FOUND = "found", _("found")
    ABSENT = "absent", _("not there")
    ERROR = "error", _("could not look")


class Look(models.Model):
    """One search at AWS for a submission's case. Append-only."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="looks")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="looks")
    at = models.DateTimeField()
    bound = models.DateTimeField()
    aws_date = models.DateTimeField(null=True)  # the Date header of AWS's first answer
    pages = models.PositiveIntegerField(default=0)
    result = models.CharField(max_length=6, choices=LookResult.choices)
    counts = models.BooleanField(default=False)  # a negative made at or after the bound, by AWS's clock
    remote_id = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)  # candidates without our marker, or the error

    class Meta:
        ordering = ("id",)
        verbose_name = _("look")
        verbose_name_plural = _("looks")

    def __str__(self) -> str:
        return f"{self.submission_id} {self.result}"


class Way(models.TextChoices):
    SET = "set", _("in a set")
    UPLOAD_IDS = "upload_ids", _("as an upload")
    CONNECT = "connect", _("to Amazon Connect")


class UploadState(models.TextChoices):
    SENDING = "sending", _("on its way")
    PROCESSING = "processing", _("AWS looks at it")
    READY = "ready", _("at AWS")
    FAILED = "failed", _("refused")
    DROPPED = "dropped", _("not used")


class UploadQuerySet(models.QuerySet["Upload"]):
    def living(self) -> "UploadQuerySet":
        """Those that a case may still use, or that are on their way."""
        return self.exclude(state__in=(UploadState.FAILED, UploadState.DROPPED))


class Upload(models.Model):
    """One file of a submission on its way to AWS. The files of a set share its id."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="uploads")
    for_attempt = models.PositiveIntegerField()  # the number of the attempt that is to use it
    way = models.CharField(max_length=10, choices=Way.choices)
    file_sha256 = models.CharField(max_length=64)
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.SENDING)
    aws_id = models.CharField(max_length=2048, blank=True)
    expires_at = models.DateTimeField(null=True)  # a set's end, by our clock
    part_size = models.BigIntegerField(null=True)
    total_parts = models.PositiveIntegerField(null=True)
    parts = models.JSONField(default=dict)  # of finished parts the ETag, by number
    failures = models.PositiveIntegerField(default=0)
    error_text = models.TextField(blank=True)
    started_at = models.DateTimeField()
    processing_since = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"

    @property
    def missing_parts(self) -> list[int]:
        return [index for index in range(1, (self.total_parts or 0) + 1) if str(index) not in self.parts]

    def range_of(self, index: int) -> tuple[int, int]:
        """Where a part begins in the file, and how long it is."""
        assert self.part_size is not None
        start = (index - 1) * self.part_size
        return start, min(self.part_size, self.size - start)


class Doubt(models.Model):
    """An account in which AWS may have cases that a restored database knows nothing of. It is searched until `bound`."""

    account = models.OneToOneField(AwsAccount, on_delete=models.PROTECT, related_name="doubt")
    since = models.DateTimeField()
    bound = models.DateTimeField()  # what AWS does not show from here on, by its clock, it does not have
    due_at = models.DateTimeField(null=True)  # the next search; empty once the doubt is settled
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=150, blank=True)
    searches = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)  # cases that the database did not know of
    error_text = models.TextField(blank=True)  # why the last search failed
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("account_id",)
        verbose_name = _("doubt")
        verbose_name_plural = _("doubts")

    def __str__(self) -> str:
        return f"{self.account} {self.settled_at or self.bound}"


class Watch(models.Model):
    """A submission whose outcome was unknown once: it is looked up again after it is settled."""

    submission = models.OneToOneField(Submission, on_delete=models.PROTECT, related_name="watch")
    since = models.DateTimeField(null=True, db_index=True)  # when it was settled; empty while it is not
    step = models.PositiveSmallIntegerField(default=0)  # looks done
    due_at = models.DateTimeField(null=True, db_index=True)  # the next look; empty before the first and after the last
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=150, blank=True)
    error_text = models.TextField(blank=True)  # why the last look failed

    class Meta:
        ordering = ("id",)
        verbose_name = _("watch")
        verbose_name_plural = _("watches")

    def __str__(self) -> str:
        return f"{self.submission_id} {self.step}"

    @classmethod
    def over(cls, row: Submission) -> None:
        """Have a case watched. Call it in the transaction that makes the outcome of its opening unknown."""
        if row.is_opening:
            cls.objects.get_or_create(submission=row)


class Beat(models.Model):
    """A process that says it lives. `stopped_at` is written on a clean stop only."""

    process = models.CharField(max_length=150, unique=True)  # host, pid and boot id
    role = models.CharField(max_length=12)  # dispatcher, worker, canary
    queues = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    leader_until = models.DateTimeField(null=True)  # of the elected dispatcher
    rung_at = models.DateTimeField(null=True)  # canary: when the bell was rung that is not answered yet
    clock_skew = models.FloatField(null=True)  # seconds that AWS's clock is ahead of ours

    class Meta:
        verbose_name = _("beat")
        verbose_name_plural = _("beats")

    def __str__(self) -> str:
        return f"{self.role} {self.process}"
