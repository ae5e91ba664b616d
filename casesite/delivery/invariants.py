"""What must hold in the database at any time, whatever was killed. docs/delivery.md numbers them.

Each check yields a sentence for each row that breaks it. I6, I7, I11 and I14 need a witness outside the database; tests
hold them against the simulator.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db.models import Count, F, Q, QuerySet

from casesite import clock
from casesite.cases.models import Case, Stage
from casesite.submissions import payloads
from casesite.submissions.models import OPENING_KINDS, TOKEN_KINDS, Kind, Submission
from casesite.submissions.stage import stage_of
from casesite.submissions.states import State

from .dispatcher import TICK
from .models import Attempt, Outcome, Phase
from .reconcile import APART, NEEDED, counted_looks

CALM = timedelta(seconds=60)  # in which every row must have found its way on
CLOCKS_APART = timedelta(hours=1)  # a decision and an attempt bear the times of two machines, one of which may be wrong
_SECRET = re.compile(r"SecretAccessKey|SessionToken|aws_secret_access_key|sandbox-secret-", re.IGNORECASE)


def broken() -> list[str]:
    """Every breach, as `I5 ...` sentences; empty where all is well."""
    return [f"{number} {text}" for number, check in CHECKS for text in check()]


def one_case_at_aws_for_each_case() -> Iterator[str]:
    rows = Submission.objects.filter(kind__in=OPENING_KINDS, remote_id__isnull=False, duplicate=False)
    for case in rows.values("case__reference").annotate(ids=Count("remote_id", distinct=True)).filter(ids__gt=1):
        yield f"{case['case__reference']} has {case['ids']} cases at AWS and no flag"


def delivered_means_an_id() -> Iterator[str]:
    rows = Submission.objects.filter(kind__in=OPENING_KINDS)
    wrong = rows.filter(
        Q(state=State.DELIVERED, remote_id=None) | (Q(remote_id__isnull=False) & ~Q(state=State.DELIVERED))
    )
    for row in wrong:
        yield f"{row.pk} is {row.state} with id {row.remote_id}"
    for row in rows.filter(state=State.DELIVERED, case__aws_case_id=None):
        yield f"{row.pk} is delivered, its case has no id"


def failed_means_nothing_pending() -> Iterator[str]:
    unproven = Attempt.objects.filter(submission__state=State.FAILED, outcome__in=("", Outcome.UNKNOWN, Outcome.DONE))
    for attempt in unproven:
        yield f"{attempt} of a failed submission"


def one_open_attempt() -> Iterator[str]:
    opened = Attempt.objects.filter(phase=Phase.OPEN).values("submission").annotate(n=Count("pk")).filter(n__gt=1)
    for row in opened:
        yield f"{row['submission']} has {row['n']} open attempts"
    repeated = Q(submission__state=State.UNKNOWN, submission__kind__in=TOKEN_KINDS)  # it stays unknown meanwhile
    sending = Q(submission__state=State.SENDING) | repeated
    for attempt in Attempt.objects.filter(phase=Phase.OPEN).exclude(sending):
        if attempt.submission.state != State.DELIVERED:
            yield f"{attempt} is open, its submission is {attempt.submission.state}"


def no_attempt_after_an_unproven_one() -> Iterator[str]:
    unproven = Attempt.objects.filter(outcome__in=("", Outcome.UNKNOWN), submission__attempts__n__gt=F("n"))
    repeats = Q(outcome=Outcome.UNKNOWN, submission__kind__in=TOKEN_KINDS)  # of one client token
    for attempt in unproven.exclude(repeats).distinct():
        yield f"{attempt} was not proven before the next one"


def _absent() -> QuerySet[Attempt]:
    """Attempts that may not have happened. Resolving a case is free to repeat: one look is enough there."""
    return Attempt.objects.filter(outcome=Outcome.ABSENT).exclude(submission__kind=Kind.SUPPORT_RESOLVE)


def absent_means_two_counted_looks() -> Iterator[str]:
    for attempt in _absent().select_related("submission"):
        if (counted := counted_looks(attempt)) < NEEDED:
            yield f"{attempt} is absent after {counted} counted looks {APART} apart"


def one_hash_throughout() -> Iterator[str]:
    for attempt in Attempt.objects.exclude(payload_sha256=F("submission__payload_sha256")):
        yield f"{attempt} sent another payload than its submission's"
    for row in Submission.objects.exclude(decisions=None).exclude(decisions__payload_sha256=F("payload_sha256")):
        yield f"{row.pk} was decided on for another payload"
    for row in Submission.objects.select_related("account").iterator():
        if payloads.hash_of(row) != row.payload_sha256:
            yield f"{row.pk}: its payload changed"


def nothing_is_stuck() -> Iterator[str]:
    now = clock.now()
    moving = Submission.objects.filter(state__in=(State.QUEUED, State.PREPARING, State.SENDING, State.UNKNOWN))
    for row in moving.filter(Q(lease_until=None) | Q(lease_until__lt=now - CALM - TICK), due_at=None):
        yield f"{row.pk} is {row.state} without a due time or a live lease"


def what_is_held_is_not_due() -> Iterator[str]:
    held = Submission.objects.filter(state=State.QUEUED, held_until__gt=clock.now(), due_at__lt=F("held_until"))
    for row in held:
        yield f"{row.pk} is held until {row.held_until} and due before"


def every_attempt_was_let_go() -> Iterator[str]:
    for attempt in Attempt.objects.select_related("submission").prefetch_related("submission__decisions"):
        row = attempt.submission
        latest = attempt.started_at + CLOCKS_APART
        let_go = [one for one in row.decisions.all() if one.what in ("approve", "release") and one.at <= latest]
        if not any(one.by_id != row.submitted_by_id for one in let_go):
            yield f"{attempt} has no decision by another person or by policy"
        approvers = {one.by_id for one in let_go if one.what == "approve"} - {row.submitted_by_id}
        if row.first_approved_by_id and len(approvers) < 2:
            yield f"{attempt} was sent after one of two approvals"


def no_secret_is_kept() -> Iterator[str]:
    for attempt in Attempt.objects.exclude(error_text="").iterator():
        if _SECRET.search(attempt.error_text):
            yield f"{attempt} keeps a secret in its error text"


def stages_are_as_computed() -> Iterator[str]:
    for case in Case.objects.exclude(stage=Stage.DRAFT, submissions=None).iterator():
        if (right := stage_of(case)) != case.stage:
            yield f"{case.reference} is {case.stage}, its rows say {right}"


def submissions_are_of_their_cases_team() -> Iterator[str]:
    for row in Submission.objects.exclude(team=F("case__team")).select_related("case"):
        yield f"{row.pk} is of team {row.team_id}, its case of {row.case.team_id}"


CHECKS: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
    ("I1", one_case_at_aws_for_each_case),
    ("I2", delivered_means_an_id),
    ("I3", failed_means_nothing_pending),
    ("I4", one_open_attempt),
    ("I5", no_attempt_after_an_unproven_one),
    ("I8", absent_means_two_counted_looks),
    ("I9", one_hash_throughout),
    ("I10", nothing_is_stuck),
    ("I10", what_is_held_is_not_due),
    ("I12", every_attempt_was_let_go),
    ("I13", no_secret_is_kept),
    ("stage", stages_are_as_computed),
    ("team", submissions_are_of_their_cases_team),
)
