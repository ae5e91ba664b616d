"""Case: what an agent is working on, with its content while it can be edited and AWS's ids once it is open."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casesite import clock, prepared
from casesite.catalog.models import CaseTemplate, ConnectTemplate, SupportCatalog
from casesite.teams.models import AwsAccount, Team
from casesite.teams.permissions import team_ids

from .words import WordsField, with_subject

# Crockford's alphabet: no I, L, O, U, so that a reference can be read out on the telephone.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def random_groups(count: int) -> str:
    """`count` groups of four reference characters that no filter takes for a card number.

    At least one letter in each group, and no five digits in a row even where the hyphens are left out.
    """
    while True:
        # 32 characters go into a byte without a rest, so each is as likely as the others.
        characters = [REFERENCE_ALPHABET[byte % 32] for byte in secrets.token_bytes(4 * count)]
        groups = ["".join(characters[at : at + 4]) for at in range(0, 4 * count, 4)]
        if harmless("".join(groups)) and all(not group.isdigit() for group in groups):
            return "-".join(groups)


def harmless(characters: str) -> bool:
    """Whether the text holds no run of five digits."""
    return not any(characters[at : at + 5].isdigit() for at in range(len(characters) - 4))


def new_reference() -> str:
    return "CS-" + random_groups(2)


class Kind(models.TextChoices):
    SUPPORT = "support", _("AWS Support")
    CONNECT = "connect", _("Amazon Connect Cases")


class Stage(models.TextChoices):
    """The coarse state of a case. `submissions.stage` computes it, nobody else writes it."""

    DRAFT = "draft", _("Draft")
    OUTGOING = "outgoing", _("Going out")
    OPEN = "open", _("Open at AWS")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")


UNDO_DISCARD = timedelta(days=1)  # after that a discarded draft stays closed, and its files go


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: Any) -> "CaseQuerySet":
        """The only door to cases: a person sees those of their teams."""
        return self.filter(team_id__in=team_ids(user))

    def editable_by(self, user: Any) -> "CaseQuerySet":
        """Drafts that a person may write in: their own."""
        return self.visible_to(user).filter(author=user, stage=Stage.DRAFT)

    def discarded_lately(self, user: Any) -> "CaseQuerySet":
        """A person's own drafts whose discard can still be undone."""
        since = clock.now() - UNDO_DISCARD
        # A discard is a change: by that an index finds them.
        mine = self.visible_to(user).filter(author=user, stage=Stage.CLOSED, changed_at__gt=since)
        return mine.filter(discarded_at__gt=since)

    def update(self, **fields: Any) -> int:
        if "subject" in fields:
            fields["words"] = with_subject(fields["subject"])
        return super().update(**fields)


class Case(models.Model):
    reference = models.CharField(_("reference"), max_length=12, unique=True, default=new_reference, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SUPPORT)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.DRAFT)
    # The indexes below begin with these three: others of their own would only cost.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="cases", db_index=False)
    account = models.ForeignKey(AwsAccount, on_delete=models.PROTECT, null=True, related_name="cases", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cases", db_index=False)
    subject = models.CharField(_("subject"), max_length=1000, blank=True)
    words = WordsField()  # by which the case is found
    severity_code = models.CharField(max_length=20, blank=True)
    version = models.PositiveIntegerField(default=1)  # of the draft; the older of two tabs is told by it
    form_token = models.CharField(
        max_length=64, null=True, unique=True, editable=False
    )  # one rendering of the form, one case
    # Which rendering of the form saved the draft last, and which of its savings that was: `page:serial`.
    saved_by = models.CharField(max_length=90, blank=True, default="", db_default="", editable=False)
    discarded_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_index=True)
    changed_at = models.DateTimeField()
    aws_case_id = models.CharField(max_length=500, null=True, editable=False)  # Connect allows ids as long
    aws_display_id = models.CharField(max_length=40, blank=True, db_index=True)
    aws_status = models.CharField(max_length=40, blank=True)
    aws_read_at = models.DateTimeField(null=True)
    duplicate_aws_case_id = models.CharField(max_length=500, blank=True)  # a second case at AWS for this one
    # After a restore AWS may have it though no row says so: until a search at or after this instant nothing is sent for it.
    verify_first = models.DateTimeField(null=True, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.UniqueConstraint(fields=("account", "aws_case_id"), name="case_aws_case_id_once"),
            models.CheckConstraint(
                condition=models.Q(aws_case_id__isnull=False) | ~models.Q(stage__in=("open", "resolved")),
                name="case_open_has_aws_case_id",
            ),
        ]
        indexes = [
            models.Index(fields=("team", "-id"), name="case_team_newest"),
            models.Index(fields=("account", "-id"), name="case_account_newest"),
            models.Index(fields=("author", "stage", "-changed_at"), name="case_author_stage_changed"),
            models.Index(fields=("aws_case_id",), name="case_aws_case_id"),
            # The list of cases: newest first in a team, narrowed by one thing or another.
            models.Index(fields=("team", "account", "-id"), name="case_team_account_newest"),
            models.Index(fields=("team", "author", "-id"), name="case_team_author_newest"),
            models.Index(fields=("team", "severity_code", "-id"), name="case_team_severity_newest"),
            models.Index(fields=("team", "stage", "-id"), name="case_team_stage_newest"),
            models.Index(fields=("team", "kind", "-id"), name="case_team_kind_newest"),
            models.Index(
                fields=("verify_first",), condition=models.Q(verify_first__isnull=False), name="case_verify_first"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("case", args=[self.reference])

    @property
    def undo_discard_until(self) -> datetime | None:
        return self.discarded_at + UNDO_DISCARD if self.discarded_at else None

    @property
    def is_discarded_for_good(self) -> bool:
        until = self.undo_discard_until
        return until is not None and until <= clock.now()


class SupportContent(models.Model):
    """What the Support form holds. Drafts may hold anything; submitting checks it."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, primary_key=True, related_name="support")
    catalog = models.ForeignKey(SupportCatalog, null=True, on_delete=models.PROTECT, related_name="+")
    issue_type = models.CharField(max_length=22, default="technical")
    service_code = models.CharField(max_length=100, blank=True)
    category_code = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10, default="en")
    communication_body = models.TextField(blank=True)
    cc_email_addresses = models.TextField(blank=True)  # as typed; payloads split it

    class Meta:
        verbose_name = _("Support content")
        verbose_name_plural = _("Support contents")

    def __str__(self) -> str:
        return str(self.case_id)


class ConnectContent(models.Model):
    """What the form of a Connect template holds. The case's subject is the title, so that lists need nothing from here."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, primary_key=True, related_name="connect")
    template = models.ForeignKey(ConnectTemplate, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(CaseTemplate, on_delete=models.PROTECT, related_name="+")  # its form was built from
    typed = models.JSONField(default=dict)  # text by AWS's field id, of hidden fields too
    time_zone = models.CharField(max_length=50, default="UTC")  # in which points in time were typed
    tags = models.TextField(blank=True)  # as typed
    names = models.JSONField(default=dict)  # of chosen customers and users, by ARN
    first_comment = models.TextField(blank=True)
    # What AWS showed after it was opened: {"at", "differences": [{"id", "name", "sent", "shown"}]}; null: not read yet.
    confirmed = models.JSONField(null=True)

    class Meta:
        verbose_name = _("Connect content")
        verbose_name_plural = _("Connect contents")

    def __str__(self) -> str:
        return str(self.case_id)


class CaseFile(models.Model):
    """A file that goes out with a case. Its bytes are stored once for each SHA-256, whoever else has the same.

    Without a case it was chosen in a form that nobody saved yet.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # names it in addresses and forms
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # taken out of the draft again
    submitted = models.BooleanField(default=False)  # a revision names it, so it stays

    class Meta:
        ordering = ("id",)
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [models.UniqueConstraint(fields=("case", "sha256", "name"), name="case_file_once")]
        indexes = [models.Index(fields=("submitted", "uploaded_at"), name="case_file_unsent")]

    def __str__(self) -> str:
        return self.name


class FileSearch(models.Model):
    """What the search for secrets found in the bytes of a file, by certain rules: lines and kinds, never the secret."""

    class Outcome(models.TextChoices):
        SEARCHED = "searched", _("searched")
        NOT_TEXT = "not_text", _("not a text")
        TOO_LARGE = "too_large", _("too large to be searched")

    sha256 = models.CharField(max_length=64, unique=True)
    rules = models.CharField(max_length=16)
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    found = models.JSONField(default=list)  # [line, kind] each

    class Meta:
        verbose_name = _("search of a file")
        verbose_name_plural = _("searches of files")

    def __str__(self) -> str:
        return f"{self.sha256[:8]}: {self.outcome}"


class ScanResult(models.TextChoices):
    """How the operator's scanner judged a file."""

    CLEAN = "clean", _("clean")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("could not be scanned")


class FileScan(models.Model):
    """What the operator's scanner said about bytes, whoever uploaded them. Counts for the command that looked, for no other."""

    sha256 = models.CharField(max_length=64, unique=True)
    command_digest = models.CharField(max_length=64)
    result = models.CharField(max_length=10, choices=ScanResult.choices)
    said = models.CharField(max_length=500, blank=True)  # one line, without control characters
    scanned_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        verbose_name = _("scan of a file")
        verbose_name_plural = _("scans of files")

    def __str__(self) -> str:
        return f"{self.sha256} {self.result}"


class CaseEventManager(models.Manager["CaseEvent"]):
    def create(self, **fields: Any) -> "CaseEvent":
        """Every step of every case writes one: with a statement that is compiled once."""
        event = self.model(**fields)
        prepared.insert(event)
        return event


class CaseEvent(models.Model):
    """Who did what to a case, when, from where to where. Written in the transaction of the change, never altered."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )  # null: the site
    what = models.CharField(max_length=30)  # a verb: created, saved, submitted, approved, ...
    was = models.CharField(max_length=20, blank=True)
    became = models.CharField(max_length=20, blank=True)
    text = models.TextField(blank=True)  # a reason that a person wrote, or what AWS said
    submission_id = models.UUIDField(null=True)

    objects = CaseEventManager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("case event")
        verbose_name_plural = _("case events")

    def __str__(self) -> str:
        return f"{self.case_id} {self.what} {self.at}"
