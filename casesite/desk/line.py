"""What waits to go out, account by account: when each case goes out, why then, and what a person may do about it.

The times are those of the plan that workers and dispatcher keep to (casesite/submissions/queue.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from casesite import clock
from casesite.pacing.schedule import Because, Slot
from casesite.submissions import permissions
from casesite.submissions.models import Submission
from casesite.submissions.queue import Queue, connect_queues_of, queues_of, with_gates
from casesite.submissions.states import State
from casesite.submissions.waiting import LONGEST_HOLD, SHORTEST_HOLD
from casesite.teams.models import AwsAccount, Team
from casesite.teams.permissions import leads, team_ids

from .trouble import Trouble, trouble_of

SHOWN = 300  # rows, the first in line
IN_LINE = (State.QUEUED, State.PREPARING, State.SENDING)
INPUT_FORMAT = "%Y-%m-%dT%H:%M"  # of an <input type="datetime-local">


@dataclass(frozen=True)
class InLine:
    """A submission that waits or leaves just now, as one person sees it."""

    submission: Submission
    queue: Queue
    user: Any

    @property
    def slot(self) -> Slot | None:
        return self.queue.slots.get(self.submission.pk)

    @property
    def is_leaving(self) -> bool:
        return self.submission.state != State.QUEUED

    @property
    def is_held(self) -> bool:
        return self.submission.is_held(self.queue.now)

    @property
    def at(self) -> datetime | None:
        """When it goes out; None where it leaves now, and where nobody can tell."""
        told = None if self.is_leaving or self.queue.trouble or self.slot is None else self.slot.at
        return None if self.queue.is_now(told) else told

    @property
    def is_now(self) -> bool:
        return self.is_leaving or (not self.queue.trouble and self.slot is not None and self.at is None)

    @cached_property
    def place(self) -> int | None:
        """Its number among all that wait in the account, other teams' too."""
        return self.queue.places.get(self.submission.pk)

    @property
    def why(self) -> str:
        """Why it goes out then."""
        if self.is_leaving:
            return _("It is being sent.")
        if self.queue.trouble:
            return _("Nothing goes out before calls to AWS for this account work again.")
        if self.slot is None:
            return _("It stands behind many others of the account.")
        if self.is_held and self.slot.because == Because.DUE:
            return ""  # who holds it until when stands beside it
        return self._because(self.slot)

    def _because(self, slot: Slot) -> str:
        if slot.because == Because.HOUR:
            return _("Every place of the hour is taken until then.")
        if slot.because == Because.RESERVE:
            return _("The ordinary places of the hour are taken until then; the rest is kept for urgent cases.")
        if self.queue.is_now(slot.at):
            return _("It goes out as soon as a worker takes it.")
        if slot.because == Because.GATE:
            return _("AWS takes nothing from this account before.")
        if slot.because == Because.DUE:
            return self.submission.reason or _("Its own time comes then.")
        return _("The account's cases go out one after another, as fast as AWS takes them.")

    # --- what the person may do ------------------------------------------------------------------------------------------
    @property
    def may_hold(self) -> bool:
        return not self.is_leaving and permissions.steers(self.user, self.submission)

    @property
    def may_cancel(self) -> bool:
        may = self.submission.state in (State.QUEUED, State.PREPARING)
        return may and permissions.steers(self.user, self.submission)

    @property
    def may_send_now(self) -> bool:
        """Where it changes anything."""
        waits = not self.is_leaving and not self.is_now
        return waits and leads(self.user, self.submission.case.team_id)

    @property
    def hold_times(self) -> dict[str, str]:
        """The bounds of the time that a hold may last to, and one to start from, as the person's browser takes them."""
        now = self.queue.now
        return {
            "first": _as_typed(now + SHORTEST_HOLD + timedelta(minutes=1)),
            "last": _as_typed(now + LONGEST_HOLD),
            "start": _as_typed(self.submission.held_until if self.is_held else now + timedelta(hours=1)),
        }


def _as_typed(instant: datetime | None) -> str:
    return timezone.localtime(instant).strftime(INPUT_FORMAT) if instant else ""


@dataclass(frozen=True)
class AccountLine:
    """One account and what waits in it. `others` counts the rows of other teams, which nobody here may see."""

    account: AwsAccount
    queue: Queue
    rows: list[InLine]

    @property
    def others(self) -> int:
        ours = {row.submission.pk for row in self.rows}
        return sum(key not in ours for key in self.queue.slots)

    @property
    def trouble(self) -> Trouble | None:
        return trouble_of(self.account, self.queue)

    @property
    def next_slot(self) -> datetime | None:
        """When one more ordinary case could go out, were nothing waiting; None where that is now."""
        at = self.queue.free_at(urgent=False)
        return None if self.queue.is_now(at) else at


class Line:
    """Everything that waits for the person's teams, or for one of them."""

    def __init__(self, user: Any, team: Team | None = None) -> None:
        self.user, self.team = user, team
        self.now = clock.now()

    @cached_property
    def teams(self) -> list[Team]:
        return list(Team.objects.filter(pk__in=team_ids(self.user)))

    @cached_property
    def _submissions(self) -> list[Submission]:
        rows = Submission.objects.visible_to(self.user).opening().filter(state__in=IN_LINE)
        if self.team:
            rows = rows.filter(case__team=self.team)
        people = ("submitted_by", "held_by", "hurried_by")
        found = rows.select_related("case__team", *people).defer("content", "payload")
        return list(found.order_by("rank", "queued_at")[: SHOWN + 1])

    @property
    def is_cut(self) -> bool:
        return len(self._submissions) > SHOWN

    @cached_property
    def accounts(self) -> list[AccountLine]:
        rows = self._submissions[:SHOWN]
        accounts = with_gates(AwsAccount.objects.filter(pk__in={row.account_id for row in rows}))
        ordered = list(accounts.order_by("name", "account_id"))
        by_pk = {account.pk: account for account in ordered}
        of_support = {row.account_id for row in rows if not row.region}
        queues: dict[tuple[int, str], Queue] = {
            (pk, ""): found
            for pk, found in queues_of([by_pk[pk] for pk in by_pk if pk in of_support], self.now).items()
        }
        queues |= connect_queues_of(dict.fromkeys((row.account_id, row.region) for row in rows if row.region), self.now)
        lines = {
            (account.pk, region): AccountLine(account, queues[account.pk, region], [])
            for account in ordered
            for region in sorted(region for pk, region in queues if pk == account.pk)
        }
        for row in rows:
            line = lines[row.account_id, row.region]
            line.rows.append(InLine(row, line.queue, self.user))
        for line in lines.values():
            line.rows.sort(key=_in_order)
        return list(lines.values())

    @property
    def rows(self) -> Iterable[InLine]:
        return (row for line in self.accounts for row in line.rows)

    @property
    def version(self) -> str:
        """Another one whenever the page would show something else."""
        parts: list[Any] = [self.is_cut]
        for line in self.accounts:
            parts += [
                line.account.name,
                line.queue.region,
                line.account.check_summary,
                line.others,
                line.queue.gate,
                line.queue.budget.used,
            ]
            parts += [
                (row.submission.pk, row.submission.token, row.at and _as_typed(row.at), row.why) for row in line.rows
            ]
        return sha256(repr(parts).encode()).hexdigest()[:16]


def _in_order(row: InLine) -> tuple[bool, int, datetime]:
    """What leaves now, then the line, then who stands behind more rows than are planned."""
    queued_at = row.submission.queued_at or row.submission.submitted_at
    return (not row.is_leaving, row.place or 1_000_000, queued_at)
