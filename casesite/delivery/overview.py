"""What an operator sees of delivery at one instant: processes, queues, accounts with their gates and lines, lost answers.

Read in a number of queries that does not grow, and as many rows at most as a page can show, however much there is. For those
who run the site. Of cases of teams that they are not in they read the reference, by which log lines name them too, and no word
that people wrote.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from django.db.models import Count, F, Max, Prefetch, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite import clock
from casesite.database import any_of
from casesite.pacing import times
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions.models import Submission
from casesite.submissions.queue import Queue, queues_of
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult
from casesite.teams.permissions import lead_team_ids, team_ids

from . import alarms, canary, readiness
from .models import Attempt, Beat
from .overview_parts import AccountView, Doubt, GateLine, Process, QueueBell, Row, Wrong, connect_row

ROWS_SHOWN = 5  # of an account, the first in line of Support and of Connect
ACCOUNTS_SHOWN = 20
DOUBTS_SHOWN = 20
PROCESSES_SHOWN = 30
SEEN = timedelta(hours=1)  # a process that was silent for longer is of the past
IN_LINE = (State.QUEUED, State.PREPARING, State.SENDING)
IN_DOUBT = (State.UNKNOWN, State.NEEDS_ATTENTION)


def may_see(user: Any) -> bool:
    """Those who run the site."""
    return bool(user.is_active and user.is_staff and user.is_superuser)


class Overview:
    """Everything, as one operator may see it."""

    def __init__(self, user: Any) -> None:
        self.now = clock.now()
        self._teams = frozenset(team_ids(user))
        self._leads = frozenset(lead_team_ids(user))

    # --- which accounts -----------------------------------------------------------------------------------------------------
    @cached_property
    def _counts(self) -> dict[tuple[int, str], int]:
        """How many rows of each account wait, leave or are in doubt, by its primary key and their state."""
        rows = Submission.objects.filter(state__in=(*IN_LINE, *IN_DOUBT))
        counted = rows.order_by().values_list("account_id", "state").annotate(n=Count("pk"))
        return {(account, state): n for account, state, n in counted}

    @cached_property
    def _stopped(self) -> list[int]:
        """Accounts whose calls are stopped."""
        gates = AccountGate.objects.exclude(circuit=Circuit.CLOSED).order_by("account__name")
        return list(dict.fromkeys(gates.values_list("account_id", flat=True)))

    @cached_property
    def _late(self) -> list[int]:
        return alarms.late_accounts(self.now)

    @cached_property
    def _ranked(self) -> list[tuple[int, str, bool]]:
        """Every account's primary key, name and whether there is anything to tell: what is stopped first, then what has a line."""
        sent = Attempt.objects.filter(started_at__gt=self.now - times.hour()).order_by()
        sending: set[Any] = set(sent.values_list("submission__account_id", flat=True).distinct())
        paused = AccountGate.objects.filter(blocked_until__gt=self.now)
        pausing = {*self._stopped, *paused.values_list("account_id", flat=True)}
        waiting = {account for account, state in self._counts if state in IN_LINE}
        weighed = []
        for pk, name, active, check in AwsAccount.objects.values_list("pk", "name", "active", "check_result"):
            unfit = active and check == CheckResult.BLOCKED
            calm = (not (pk in pausing or unfit), pk not in waiting, pk not in sending)
            weighed.append((calm, name, pk))
        return [(pk, name, not all(calm)) for calm, name, pk in sorted(weighed)]

    @cached_property
    def _names(self) -> dict[int, str]:
        return {pk: name for pk, name, _telling in self._ranked}

    @cached_property
    def _telling(self) -> list[int]:
        return [pk for pk, _name, telling in self._ranked if telling]

    @cached_property
    def _accounts(self) -> list[AwsAccount]:
        first = self._telling[:ACCOUNTS_SHOWN]
        by_gate = Prefetch("gates", AccountGate.objects.order_by("-family", "region", "-mode"))
        found = {account.pk: account for account in AwsAccount.objects.filter(pk__in=first).prefetch_related(by_gate)}
        return [found[pk] for pk in first if pk in found]

    @property
    def calm_accounts(self) -> int:
        """How many accounts there is nothing to tell about."""
        return len(self._ranked) - len(self._telling)

    @property
    def cut_accounts(self) -> int:
        """How many there would be something to tell about, and are not shown."""
        return max(0, len(self._telling) - ACCOUNTS_SHOWN)

    @property
    def has_accounts(self) -> bool:
        return bool(self._ranked)

    # --- their lines ----------------------------------------------------------------------------------------------------------
    @cached_property
    def accounts(self) -> list[AccountView]:
        queues = queues_of(self._accounts, self.now) if self._accounts else {}
        rows = self._first_rows(queues)
        return [self._view(account, queues[account.pk], rows.get(account.pk, [])) for account in self._accounts]

    def _first_rows(self, queues: dict[int, Queue]) -> dict[int, list[Submission]]:
        """What leaves each account now, and what stands first in its lines."""
        first = [key for queue in queues.values() for key in islice(queue.slots, ROWS_SHOWN)]
        by_place = Window(RowNumber(), partition_by="account_id", order_by=(F("due_at").asc(), F("pk").asc()))
        of_connect = Submission.objects.filter(state=State.QUEUED, region__gt="", account__in=self._accounts)
        leaving = Submission.objects.filter(state__in=(State.PREPARING, State.SENDING), account__in=self._accounts)
        placed = [query.annotate(place=by_place).filter(place__lte=ROWS_SHOWN) for query in (of_connect, leaving)]
        # In one list: of several, either of which may hold, PostgreSQL would hold every row against each.
        which = any_of([query.values_list("pk") for query in (Submission.objects.filter(pk__in=first), *placed)])
        rows: dict[int, list[Submission]] = {}
        for row in _rows().filter(pk__in=which).order_by("due_at", "pk"):
            rows.setdefault(row.account_id, []).append(row)
        return rows

    def _view(self, account: AwsAccount, queue: Queue, rows: list[Submission]) -> AccountView:
        gates = [GateLine(gate, self.now) for gate in account.gates.all()]
        leaving = [Row(row, self._may_know(row)) for row in rows if row.state != State.QUEUED]
        support = [self._in_line(row, queue) for row in rows if row.pk in queue.slots]
        writing = {line.gate.region: line for line in gates if line.gate.region and line.gate.mode == Mode.WRITE}
        connect = [
            connect_row(row, self._may_know(row), writing.get(row.region), self.now)
            for row in rows
            if row.region and row.state == State.QUEUED
        ]
        counted = {state: self._counts.get((account.pk, state), 0) for state in IN_LINE}
        return AccountView(
            account,
            queue,
            gates,
            [*leaving, *sorted(support, key=lambda row: row.place or 0), *connect],
            waiting=counted[State.QUEUED],
            leaving=counted[State.PREPARING] + counted[State.SENDING],
        )

    def _in_line(self, row: Submission, queue: Queue) -> Row:
        at = None if queue.trouble else queue.slots[row.pk].at
        is_now = queue.is_now(at)
        return Row(row, self._may_know(row), None if is_now else at, queue.places[row.pk], is_now)

    # --- lost answers ---------------------------------------------------------------------------------------------------------
    @cached_property
    def doubts(self) -> list[Doubt]:
        """What needs a person, then what is being looked for, the next look first."""
        attempts = {"sent_at": Max("attempts__started_at"), "bound": Max("attempts__bound")}
        rows = _rows().filter(state__in=IN_DOUBT).annotate(**attempts).order_by("state", "due_at", "pk")
        return [Doubt(row, self._may_know(row), self._where(row), self.now) for row in rows[:DOUBTS_SHOWN]]

    @property
    def more_doubts(self) -> int:
        return max(0, self._in_state(*IN_DOUBT) - len(self.doubts))

    def _in_state(self, *states: State) -> int:
        return sum(n for (_account, state), n in self._counts.items() if state in states)

    # --- processes ------------------------------------------------------------------------------------------------------------
    @cached_property
    def _beats(self) -> list[Beat]:
        return list(Beat.objects.order_by("-at")[:1000])

    @cached_property
    def _all_processes(self) -> list[Process]:
        leader = next((beat for beat in self._beats if beat.role == "leader"), None)
        acting = leader.queues if leader and leader.leader_until and leader.leader_until > self.now else ""
        found = [
            Process(beat, self.now, beat.process == acting)
            for beat in self._beats
            if beat.role in ("dispatcher", "worker") and not beat.stopped_at and beat.at > self.now - SEEN
        ]
        return sorted(found, key=lambda process: (process.is_alive, process.beat.role))

    @property
    def processes(self) -> list[Process]:
        """Those that fell silent, then those that beat. What was stopped in order is of the past."""
        return self._all_processes[:PROCESSES_SHOWN]

    @property
    def more_processes(self) -> int:
        return len(self._all_processes) - len(self.processes)

    @cached_property
    def bells(self) -> list[QueueBell]:
        by_queue = {beat.queues: beat for beat in self._beats if beat.role == "canary"}
        return [QueueBell(name, by_queue.get(name), self.now) for name in canary.QUEUES]

    # --- what is wrong --------------------------------------------------------------------------------------------------------
    @cached_property
    def wrong(self) -> list[Wrong]:
        """The alarms of the log."""
        return [*self._of_processes(), *self._of_accounts(), *self._of_rows()]

    def _of_processes(self) -> Iterable[Wrong]:
        silent = sorted(bell.name for bell in self.bells if bell.is_silent)
        troubles = {
            "dispatcher": readiness.dispatcher_trouble(self._beats),
            "canary": readiness.canary_trouble(silent),
            "disk": readiness.disk_trouble(),
        }
        for code, text in troubles.items():
            if text:
                yield Wrong(code=code, text=f"{text[:1].upper()}{text[1:]}.")
        if any(process.skew for process in self._all_processes):
            text = _("The clock of a machine is more than a minute off AWS's.")
            yield Wrong(code="clock", text=text, todo=_("Set it: AWS refuses requests that look too old."))

    def _of_accounts(self) -> Iterable[Wrong]:
        if self._stopped:
            text = _("Calls to AWS are stopped for %s.") % self._listed(self._stopped)
            yield Wrong(code="blocked", text=text, todo=_("Mend the access, then check the account."))
        if self._late:
            text = _("Work has been due for more than five minutes and nobody took it: %s.") % self._listed(self._late)
            yield Wrong(code="due_late", text=text, todo=_("See whether dispatcher and worker run."))

    def _of_rows(self) -> Iterable[Wrong]:
        if unknown := alarms.unknown_for_long(self.now).count():
            text = ngettext(
                "An outcome has been unknown for more than half an hour.",
                "%(n)d outcomes have been unknown for more than half an hour.",
                unknown,
            )
            todo = _("See whether the account can be read; a lead of the team may take it over.")
            yield Wrong(code="unknown_long", text=text % {"n": unknown}, todo=todo, tone="warn")
        if persons := self._in_state(State.NEEDS_ATTENTION):
            text = ngettext("A submission needs a person.", "%(n)d submissions need a person.", persons)
            url = f"{reverse('admin:submissions_submission_changelist')}?state__exact={State.NEEDS_ATTENTION}"
            yield Wrong(
                code="needs_attention",
                text=text % {"n": persons},
                todo=_("Leads of the teams decide."),
                url=url if self._leads else "",
                link_text=_("Those of your teams"),
            )

    def _listed(self, accounts: list[int], most: int = 5) -> str:
        names = [self._names[pk] for pk in accounts if pk in self._names]
        shown, more = ", ".join(names[:most]), len(names) - most
        if more <= 0:
            return shown
        return ngettext("%(names)s and one more", "%(names)s and %(n)d more", more) % {"names": shown, "n": more}

    # --- who may know what ----------------------------------------------------------------------------------------------------
    def _may_know(self, row: Submission) -> bool:
        return row.case.team_id in self._teams

    def _where(self, row: Submission) -> str:
        """The page on which a lead decides, else the case's own."""
        if row.case.team_id in self._leads:
            return reverse("admin:submissions_submission_attention", args=[row.pk])
        return row.case.get_absolute_url() if self._may_know(row) else ""


def _rows() -> Any:
    return Submission.objects.select_related("case", "account").defer("content", "payload")
