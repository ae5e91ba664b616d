"""Submission: one intended write to AWS, frozen when the agent submits. Decision: who let it go or stopped it."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.cases.models import Case
from casesite.catalog.models import CaseTemplate
from casesite.database import write
from casesite.teams.models import AwsAccount, SecondApproval, Team
from casesite.teams.permissions import team_ids

from . import stage, states
from .fields import COMMENTABLE
from .reasons import Reason
from .states import FINAL, UNFINISHED, StaleSubmission, State


class Kind(models.TextChoices):
    SUPPORT_CASE = "support_case", _("Open a Support case")
    SUPPORT_RESOLVE = "support_resolve", _("Resolve a second Support case")
    CONNECT_CASE = "connect_case", _("Open a Connect case")
    CONNECT_COMMENT = "connect_comment", _("Comment on a Connect case")
    CONNECT_FILE = "connect_file", _("Attach a file to a Connect case")


OPENING_KINDS = (Kind.SUPPORT_CASE, Kind.CONNECT_CASE)
COMPANION_KINDS = (Kind.CONNECT_COMMENT, Kind.CONNECT_FILE)  # go out after the case that they were decided with
TOKEN_KINDS = (Kind.CONNECT_CASE, Kind.CONNECT_COMMENT)  # AWS takes a client token with them: they may be repeated
# What each asks of AWS.
OPERATIONS = {
    Kind.SUPPORT_CASE: "support.CreateCase",
    Kind.SUPPORT_RESOLVE: "support.ResolveCase",
    Kind.CONNECT_CASE: "connectcases.CreateCase",
    Kind.CONNECT_COMMENT: "connectcases.BatchCreateRelatedItem",
    Kind.CONNECT_FILE: "connectcases.CreateRelatedItem",
}
RANKS = {"critical": 0, "urgent": 1, "high": 2, "normal": 3, "low": 4}
URGENT_RANK = RANKS["urgent"]  # this and below may use the urgent reserve and go to the urgent queue
PAYLOAD_VERSION = 4  # the newest that this code understands; 2 has files, 3 is of Amazon Connect, 4 resolves a case


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: Any) -> "SubmissionQuerySet":
        return self.filter(team_id__in=team_ids(user))

    def opening(self) -> "SubmissionQuerySet":
        return self.filter(kind__in=OPENING_KINDS)

    def companions(self) -> "SubmissionQuerySet":
        """What goes out after its case, in that order."""
        return self.filter(kind__in=COMPANION_KINDS).order_by("queued_at")

    def take_in_by_teams(self) -> int:
        """Give rows that have no team that of their case; how many there were."""
        case = Case.objects.filter(pk=OuterRef("case"))
        return self.filter(team=None).update(team=Subquery(case.values("team")[:1]))

    def unfinished(self) -> "SubmissionQuerySet":
        return self.filter(state__in=UNFINISHED)


class Submission(models.Model):
    # Random, never counted up: after a restore from a backup no id may be used a second time.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="submissions")
    # The case's, wherever that goes: lists of a team are read by indexes that begin with it. Empty only where a version
    # that did not know of it made the row, until the dispatcher comes by.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+", db_index=False, null=True)
    account = models.ForeignKey(AwsAccount, on_delete=models.PROTECT, related_name="submissions", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.SUPPORT_CASE)
    region = models.CharField(max_length=30, blank=True, default="", db_default="")  # of Connect; Support has none
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    revision = models.PositiveIntegerField(default=1)
    newest = models.BooleanField(default=True)  # no later revision replaces it

    # Fixed when the agent submits; nothing below ever changes.
    content = models.JSONField()  # what the form held, by its field names
    payload = models.JSONField()  # AWS's parameters, exactly
    payload_sha256 = models.CharField(max_length=64)
    payload_version = models.PositiveIntegerField(default=1)
    marker = models.CharField(max_length=22, unique=True)
    client_token = models.UUIDField(default=uuid.uuid4)
    catalog_sha256 = models.CharField(max_length=64, blank=True)  # the snapshot that the choices were checked against
    template_version = models.ForeignKey(CaseTemplate, null=True, on_delete=models.PROTECT, related_name="submissions")
    severity_code = models.CharField(max_length=20, blank=True, default="", db_default="")  # of the content
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions")
    submitted_at = models.DateTimeField()

    # Where it stands. Only guarded updates write these.
    rank = models.PositiveSmallIntegerField()  # its place in line: 0 critical ... 4 low; "send now" makes it urgent
    state = models.CharField(max_length=16, choices=State.choices)
    token = models.PositiveIntegerField(default=0)  # one up with every move
    queued_at = models.DateTimeField(null=True)  # first time
    approved_at = models.DateTimeField(null=True)  # last time, by a person or by policy
    # Where the account asks for two: who approved first.
    first_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    first_approved_at = models.DateTimeField(null=True)
    review_by = models.DateTimeField(null=True)  # the account's time for the review is over then
    remind_at = models.DateTimeField(null=True)  # reviewers are told then; empty once it is done
    escalate_at = models.DateTimeField(null=True)  # leads are told then; empty once it is done
    review_after = models.BooleanField(default=False)  # sent before review, and nobody looked yet
    due_at = models.DateTimeField(null=True)  # queued: not before; unknown, needs_attention: next look
    held_until = models.DateTimeField(null=True)  # a person lets it wait; due_at is not before, while it is queued
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    hurried_at = models.DateTimeField(null=True)  # a lead let it go before its turn
    hurried_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=100, blank=True)
    claims = models.PositiveIntegerField(default=0)  # leases in a row that ran out without an attempt
    refusals = models.PositiveIntegerField(default=0)
    first_refused_at = models.DateTimeField(null=True)
    resends = models.PositiveIntegerField(default=0)
    unable_since = models.DateTimeField(null=True)  # since when looks fail, or the account is blocked
    verify_first = models.DateTimeField(
        null=True
    )  # look before sending; only a look at or after this instant clears it
    look_before_send = models.BooleanField(default=False)  # one look before the attempt after a lead's "send again"
    reason_code = models.CharField(max_length=20, blank=True)  # a Reason
    reason_text = models.TextField(blank=True)  # AWS's own words, or a person's
    remote_id = models.CharField(max_length=500, null=True)
    duplicate_remote_id = models.CharField(max_length=500, blank=True)
    duplicate = models.BooleanField(default=False)
    adopted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = [
            models.UniqueConstraint(
                fields=("account", "remote_id"), condition=Q(kind__in=OPENING_KINDS), name="submission_remote_id_once"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.DELIVERED, kind__in=OPENING_KINDS) | Q(remote_id__isnull=False),
                name="submission_delivered_has_remote_id",
            ),
            models.UniqueConstraint(
                fields=("case",),
                condition=Q(kind__in=OPENING_KINDS, state__in=sorted(UNFINISHED)),
                name="submission_one_unfinished_opening",
            ),
            models.UniqueConstraint(
                fields=("case",), condition=Q(kind__in=OPENING_KINDS, newest=True), name="submission_one_newest_opening"
            ),
        ]
        indexes = [
            models.Index(fields=("account", "state", "rank", "queued_at"), name="submission_claim"),
            models.Index(fields=("state", "due_at"), name="submission_due"),
            # What each round of the dispatcher counts, without reading a row of thousands that wait.
            models.Index(
                fields=("state", "account", "region", "rank", "due_at", "payload_version"), name="submission_waiting"
            ),
            models.Index(
                fields=("state", "lease_until"), condition=Q(lease_until__isnull=False), name="submission_lease"
            ),
            # What an account has in flight: each claim asks.
            models.Index(
                fields=("account", "lease_until"), condition=Q(lease_until__isnull=False), name="submission_leased"
            ),
            # The reviewer's lists of a team: the most urgent first, or the newest, narrowed by one thing or another.
            models.Index(fields=("team", "state", "rank", "submitted_at", "id"), name="submission_team_in_line"),
            models.Index(
                fields=("team", "rank", "submitted_at", "id"),
                condition=Q(review_after=True),
                name="submission_team_look_now",
            ),
            models.Index(
                fields=("team", "submitted_at"), condition=Q(review_after=True), name="submission_team_look_since"
            ),
            models.Index(fields=("team", "submitted_at", "id"), name="submission_team_newest"),
            models.Index(fields=("team", "state", "submitted_at", "id"), name="submission_team_state_newest"),
            models.Index(fields=("team", "account", "submitted_at", "id"), name="submission_team_account_newest"),
            models.Index(fields=("team", "severity_code", "submitted_at", "id"), name="submission_team_severity"),
            models.Index(fields=("team", "state", "review_by"), name="submission_team_overdue"),
            # Cases by the state of their newest submission.
            models.Index(fields=("team", "state", "-case"), condition=Q(newest=True), name="submission_team_case"),
        ]

    def __str__(self) -> str:
        return f"{self.marker} ({self.get_state_display()})"

    def save(self, *args: Any, **options: Any) -> None:
        if self._state.adding:
            self.take_in()
        super().save(*args, **options)

    def take_in(self) -> None:
        """Note what lists are read by, before the row is made."""
        self.team_id = self.case.team_id
        self.severity_code = str(self.content.get("severity_code", ""))

    @property
    def is_opening(self) -> bool:
        return self.kind in OPENING_KINDS

    @property
    def is_companion(self) -> bool:
        return self.kind in COMPANION_KINDS

    @property
    def operation(self) -> str:
        """AWS's name of what it asks for."""
        return OPERATIONS[Kind(self.kind)]

    @property
    def files(self) -> list[dict[str, Any]]:
        """What goes out with it: `sha256`, `size` and `name` of each file."""
        return list(self.content.get("files", ()))

    @property
    def is_urgent(self) -> bool:
        return self.rank <= URGENT_RANK

    def is_held(self, now: datetime) -> bool:
        return self.state == State.QUEUED and self.held_until is not None and self.held_until > now

    @property
    def needs_two(self) -> bool:
        """Whether two people have to approve it, as the account is set now."""
        asked: str = self.account.second_approval
        return asked == SecondApproval.ALWAYS or (asked == SecondApproval.URGENT and self.is_urgent)

    @property
    def reason(self) -> str:
        """The reason code in words, or nothing."""
        return str(Reason(self.reason_code).label) if self.reason_code else ""

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def move(
        self,
        to: State,
        *,
        start: State | None = None,
        by: Any = None,
        what: str = "",
        text: str = "",
        when: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Change state in one guarded UPDATE and log the step beside it.

        The filter on the old state and token is the lock: of two callers, one matches a row and one matches none.
        `start` is the one state that a verb sets out from. Raises StaleSubmission where the row is not there (any more),
        IllegalTransition where the table has no such move.
        """
        was = State(self.state)
        if start not in (None, was):
            raise StaleSubmission(f"submission {self.pk} is {was}, not {start}")
        states.check(was, to)
        with write():
            # The case first, as everywhere: two moves that lock in different orders would block each other.
            Case.objects.select_for_update().get(pk=self.case_id)
            moved = (
                Submission.objects.filter(pk=self.pk, state=was, token=self.token)
                .filter(**(when or {}))
                .update(state=to, token=F("token") + 1, **fields)
            )
            if not moved:
                raise StaleSubmission(f"submission {self.pk} is no longer {was}")
            self.case.events.create(
                at=clock.now(), by=by, what=what or to, was=was, became=to, text=text, submission_id=self.pk
            )
            if to in FINAL or was in FINAL:
                stage.recompute(self.case_id)
        self.refresh_from_db()


class Verdict(models.TextChoices):
    APPROVE = "approve", _("approved")
    RETURN = "return", _("returned")
    REJECT = "reject", _("rejected")
    RELEASE = "release", _("released")


class Decision(models.Model):
    """Who decided what on which payload. `by` is null where the account's policy decided."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="decisions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="decisions")
    at = models.DateTimeField()
    what = models.CharField(max_length=8, choices=Verdict.choices)
    payload_sha256 = models.CharField(max_length=64)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.submission_id}"


class Comment(models.Model):
    """What a reviewer said about one field, with a decision that returned or rejected the submission."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="comments")
    field = models.CharField(max_length=32)  # the form's name of it
    text = models.TextField()

    class Meta:
        ordering = ("id",)
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        constraints = [models.UniqueConstraint(fields=("decision", "field"), name="comment_once_for_each_field")]

    def __str__(self) -> str:
        return f"{self.decision_id}: {self.field}"

    @property
    def field_name(self) -> Any:
        """The field as people call it."""
        return COMMENTABLE.get(self.field, self.field)


class MarkerKey(models.Model):
    """The key behind the markers' check groups. In the database, because it must live as long as the cases."""

    key = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("marker key")
        verbose_name_plural = _("marker keys")

    def __str__(self) -> str:
        return str(self.pk)
