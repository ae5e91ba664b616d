"""The machine that draws what happens: people, processes, AWS, clocks and accidents, in any order."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from casesite import prepared
from casesite.cases.models import Case
from casesite.delivery import dispatcher, invariants, process, work
from casesite.delivery.dispatcher import Dispatcher
from casesite.submissions import waiting, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import StaleSubmission
from casesite.teams.models import ReviewPolicy
from tests.soak.aws import FATES, FINE, Fate
from tests.soak.judge import Judge, Seen
from tests.soak.processes import ANSWER, END, REQUEST, Process
from tests.soak.world import SUBJECTS, World

ASKED_ITSELF = 5  # of so many examples, the site's own invariants are asked at the end of one
ROUNDS = 120  # in which everything has to come to rest
A_WHILE = timedelta(minutes=20)  # leases and back-off end, and looks count; what comes due meanwhile is done then
A_DAY = timedelta(hours=25)  # in which the watch makes its looks, and who waits for a person is looked up hourly
UNTIL = st.sampled_from((END, END, END, REQUEST, ANSWER, 1, 2, 3, 4, 5, 6, 8))
FATE = st.sampled_from((FINE, FINE, FINE, *FATES))
ANY = st.integers(0, 5)
SPANS = st.sampled_from([timedelta(seconds=n) for n in (1, 6, 20, 40, 95, 310, 1100, 3700)])
LONG = st.sampled_from([timedelta(seconds=n) for n in (0, 20, 310, 310, 1100)])  # beside the leases
OFF = st.sampled_from([timedelta(seconds=n) for n in (0, -1800, -600, -100, -20, 20, 100, 600, 1800)])
CASE = prepared.Objects(lambda subject: Case.objects.filter(subject=subject), subject=str)
ROW = prepared.Objects(lambda pk: Submission.objects.filter(pk=pk), related=("case", "account"), pk=UUID)


class InLine:
    """The threads of a dispatcher that drains: a process each, which goes on when it is its turn."""

    def __init__(self, start: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._start = start

    def submit(self, work: Callable[[Any], Any], about: Any) -> InLine:
        self._started = self._start("drain", lambda: work(about))
        return self

    def done(self) -> bool:
        return self._started.is_over


class Soak(RuleBasedStateMachine):
    """One example: a site with five drafts, and what befalls it."""

    world: ClassVar[World]
    every_step: ClassVar[bool] = False  # ask the site's own invariants after each event, not at the end alone
    steps: ClassVar[int] = 0
    examples: ClassVar[int] = 0
    fates: ClassVar[Counter[str]] = Counter()  # of requests, in words
    ends: ClassVar[Counter[str]] = Counter()  # of rows, by their state when all had come to rest

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self.living: list[Process] = []
        self.clocks, self.aws = self.world.clocks, self.world.aws
        self.judge = Judge(self.aws)
        self.aws.before_call = lambda operation, request: self.judge.request_leaves(operation, request.body)
        self.backed_up = self.restored = False
        self.drained = 0  # times that a dispatcher did a worker's work
        self.seen = Seen([])

    @initialize(
        policy=st.sampled_from(
            (ReviewPolicy.NEVER, ReviewPolicy.NEVER, ReviewPolicy.ALWAYS, ReviewPolicy.AFTER_URGENT)
        ),
        cases_per_hour=st.sampled_from((10, 10, 2)),
        visible_after=st.sampled_from((0.0, 60.0, 115.0)),
        aws_ahead=st.sampled_from([timedelta(seconds=n) for n in (0, 0, -50, 50, 200, -200)]),
        first=st.sampled_from(SUBJECTS),
    )
    def begin(self, policy: str, cases_per_hour: int, visible_after: float, aws_ahead: timedelta, first: str) -> None:
        self.world.begin(ReviewPolicy(policy), cases_per_hour, visible_after)
        self.clocks.aws_ahead = aws_ahead
        self.judge.begin()
        self.dispatchers = [self._new_dispatcher() for _number in range(2)]
        self._say(
            f"review policy {policy}, {cases_per_hour} cases an hour, AWS shows a case after {visible_after:g} s, "
            f"its clock is {aws_ahead.total_seconds():+g} s off"
        )
        self._person("submits", first, lambda: workflow.submit(self._case(first), by=self.world.author))

    # --- people -------------------------------------------------------------------------------------------------------------
    @rule(subject=st.sampled_from(SUBJECTS))
    def author_submits(self, subject: str) -> None:
        self._person("submits", subject, lambda: workflow.submit(self._case(subject), by=self.world.author))

    @precondition(lambda self: self._has("pending_review"))
    @rule(number=ANY)
    def reviewer_approves(self, number: int) -> None:
        row = self._one(number, "pending_review")
        given = {"by": self.world.reviewer, "payload_sha256": row.payload_sha256}
        self._person("is approved", row, lambda: workflow.approve(row, **given))

    @precondition(lambda self: self._has("pending_review"))
    @rule(number=ANY, verb=st.sampled_from(("return_to_author", "reject", "withdraw")))
    def review_ends_otherwise(self, number: int, verb: str) -> None:
        row = self._one(number, "pending_review")
        if verb == "withdraw":
            self._person("is withdrawn", row, lambda: workflow.withdraw(row, by=self.world.author))
        else:
            given = {"by": self.world.reviewer, "payload_sha256": row.payload_sha256, "reason": "Say more."}
            self._person(verb, row, lambda: getattr(workflow, verb)(row, **given))

    @precondition(lambda self: self._has("queued", "preparing"))
    @rule(number=ANY, verb=st.sampled_from(("cancel", "hold", "resume", "send_now")))
    def somebody_meddles_with_the_queue(self, number: int, verb: str) -> None:
        row = self._one(number, "queued", "preparing")
        if verb == "cancel":
            self._person("is cancelled", row, lambda: workflow.cancel(row, by=self.world.author))
            return
        given = {"by": self.world.lead, "token": row.token}
        if verb == "hold":
            given["until"] = self.clocks.site + timedelta(minutes=20)
        self._person(verb, row, lambda: getattr(waiting, verb)(row, **given))

    @precondition(lambda self: self._has("unknown"))
    @rule(number=ANY)
    def lead_takes_over(self, number: int) -> None:
        row = self._one(number, "unknown")
        self._person("is taken over", row, lambda: workflow.take_over(row, by=self.world.lead, reason="It is urgent."))

    @precondition(lambda self: self._has("needs_attention"))
    @rule(number=ANY, verb=st.sampled_from(("send_again", "give_up", "adopt")))
    def lead_decides(self, number: int, verb: str) -> None:
        row = self._one(number, "needs_attention")
        given = {"by": self.world.lead, "reason": "Looked at it."}
        if verb == "adopt":
            found = [case for case in self.aws.cases() if case.reference == row.case.reference]
            if not found or not row.is_opening:
                self._say("a lead finds nothing to adopt")
                return
            given |= {"aws_case_id": found[0].case_id, "marker": found[0].marker}
        done = self._person(verb, row, lambda: getattr(workflow, verb)(row, **given))
        if done and verb == "send_again":
            self.judge.risked.add(row.case.reference)

    # --- processes ----------------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.world.bells)
    @rule(until=UNTIL, fate=FATE, twice=st.booleans())
    def bell_is_heard(self, until: str | int, fate: Fate, twice: bool) -> None:
        bell = self.world.bells[0] if twice else self.world.bells.pop(0)
        self._start_worker(until, fate, bell.account)

    @precondition(lambda self: self.world.bells)
    @rule()
    def broker_forgets(self) -> None:
        self.world.bells.clear()
        self._say("the broker forgets every bell")

    @rule(until=UNTIL, fate=FATE)
    def a_late_bell_is_heard(self, until: str | int, fate: Fate) -> None:
        self._start_worker(until, fate)

    @precondition(lambda self: self._has("queued"))
    @rule(until=st.sampled_from((1, 2, 3, 4, 5, 6, REQUEST, ANSWER, END)), fate=FATE, span=LONG, next_fate=FATE)
    def a_worker_is_overtaken(self, until: str | int, fate: Fate, span: timedelta, next_fate: Fate) -> None:
        """Drawn as one: single events lead to it too seldom. The first one may lose its lease, or its answer, before another one comes."""
        first = self._start_worker(until, fate)
        self.time_passes(span)
        self._start("dispatcher-1", self.dispatchers[1].tick, END, FINE, name="dispatcher-1")
        self._start_worker(END, next_fate)
        if not first.is_over:
            self._say(f"{first.name} goes on from {first.at}")
            self._go_on(first, END, FINE)

    @rule(number=st.integers(0, 1), until=st.sampled_from((END, END, END, 1, 2, 3, 4)))
    def dispatcher_makes_a_round(self, number: int, until: str | int) -> None:
        one = self.dispatchers[number]
        self._start(f"dispatcher-{number}", one.tick, until, FINE, name=f"dispatcher-{number}")

    @precondition(lambda self: self.living)
    @rule(number=ANY, until=UNTIL, fate=FATE)
    def a_process_goes_on(self, number: int, until: str | int, fate: Fate) -> None:
        one = self.living[number % len(self.living)]
        self._say(f"{one.name} goes on from {one.at}")
        self._go_on(one, until, fate)

    @precondition(lambda self: self.living)
    @rule(number=ANY, on_the_way=st.booleans())
    def a_process_dies(self, number: int, on_the_way: bool) -> None:
        one = self.living.pop(number % len(self.living))
        self._say(f"{one.name} dies at {one.at}")
        if one.at == REQUEST and on_the_way:
            self.aws.hold(one.request)
            self._say("its request is on the way")
        one.die()

    # --- AWS and time ----------------------------------------------------------------------------------------------------------
    @rule(fail=st.booleans())
    def reads_of_aws_fail_or_not(self, fail: bool) -> None:
        self.aws.reads_fail = fail
        self._say(f"AWS answers {'no' if fail else 'every'} read")

    @precondition(lambda self: self.aws.held)
    @rule(number=ANY)
    def a_held_request_arrives(self, number: int) -> None:
        self._say("AWS gets a request that was held on the way")
        self.aws.let_arrive(number)

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self._say(f"{span.total_seconds():g} s pass")
        self.clocks.pass_(span)

    @rule(off=OFF)
    def the_sites_clock_is_stepped(self, off: timedelta) -> None:
        self._say(f"the site's clock is stepped: it is {off.total_seconds():+g} s off now")
        self.clocks.site_ahead = off

    # --- a database that is put back ------------------------------------------------------------------------------------------------
    @precondition(lambda self: not self.backed_up)
    @rule()
    def a_backup_is_taken(self) -> None:
        self.world.backup.take()
        self.backed_up = True
        self._say("a backup is taken")

    @precondition(lambda self: self.backed_up and not self.restored)
    @rule()
    def the_backup_is_restored(self) -> None:
        for one in self.living:
            if one.at == REQUEST:
                self.aws.hold(one.request)
            one.die()
        self.living.clear()
        before = self.judge.risked
        self.world.backup.put_back()
        self.world.bells.clear()
        self.judge.begin()
        self.judge.risked = before
        self.dispatchers = [self._new_dispatcher() for _number in range(2)]
        self.restored = True
        self._say("all processes are stopped, and the backup is restored")
        process.dispatchers_before = None
        self._start("dispatcher", lambda: dispatcher.begin(after_restore=True), END, FINE)

    # --- how ---------------------------------------------------------------------------------------------------------------------
    def _case(self, subject: str) -> Case:
        [case] = CASE(subject=subject)
        return case

    def _has(self, *states: str) -> bool:
        return any(row["state"] in states for row in self.seen.rows)

    def _one(self, number: int, *states: str) -> Submission:
        found = [row["id"] for row in self.seen.rows if row["state"] in states]
        [row] = ROW(pk=UUID(found[number % len(found)]))
        return row

    def _person(self, what: str, about: Any, do: Callable[[], Any]) -> bool:
        name = about if isinstance(about, str) else about.case.subject
        try:
            do()
        except (StaleSubmission, PermissionDenied, ValidationError) as exc:
            self._say(f"{name} {what}: no, {exc}")
            return False
        self._say(f"{name} {what}")
        return True

    def _new_dispatcher(self) -> Dispatcher:
        one = Dispatcher()
        one._pool = InLine(self._drain)  # type: ignore[assignment]
        far = self.clocks.site + timedelta(days=30)  # what has nothing to do with delivery
        one._next = dict.fromkeys(("notices", "canary", "sync", "alarms"), far)
        one._mail = lambda: None  # type: ignore[method-assign]
        return one

    def _drain(self, role: str, do: Callable[[], Any]) -> Process:
        self.drained += 1
        return self._start(role, do, END, FINE)

    def _start_worker(self, until: str | int, fate: Fate, account_pk: int | None = None) -> Process:
        """By default for the account of this site: there is one."""
        account_pk = account_pk or self.world.account.pk
        return self._start("worker", lambda: work.work_off(account_pk), until, fate)

    def _start(self, role: str, do: Callable[[], Any], until: str | int, fate: Fate, name: str = "") -> Process:
        one = Process(role, do)
        one.name = name or one.name
        self._say(f"{one.name} starts")
        self._go_on(one, until, fate)
        return one

    def _go_on(self, one: Process, until: str | int, fate: Fate) -> None:
        one.go_on(until, fate=fate)
        if one.is_over and one in self.living:
            self.living.remove(one)
        elif not one.is_over and one not in self.living:
            self.living.append(one)
        done = "is done" if one.is_over else f"is stopped at {one.at}"
        self._say(f"{one.name} {done}" + (f"; a request of it {one.met}" if one.met else ""))
        if one.met:
            self.fates[one.met] += 1
        one.met = ""

    def _say(self, text: str) -> None:
        self.story.append(f"{self.clocks.site:%d %H:%M:%S} {text}")

    @invariant()
    def all_is_well(self) -> None:
        type(self).steps += 1
        self._judge()

    def _judge(self) -> None:
        self.seen = self.judge.look()
        breaches = self.judge.breaches(self.seen)
        if self.every_step:
            breaches += invariants.broken()
        self._expect(breaches)

    def _expect(self, breaches: list[str]) -> None:
        if breaches:
            note(self.told())
        assert not breaches, "; ".join(breaches)

    def told(self) -> str:
        """The story so far, with what the tables and AWS say."""
        lines = ["", "The story:", *(f"  {line}" for line in self.story), "The rows:"]
        for row in self.judge.look().rows:
            lines.append(f"  {row['subject']} {row['kind']} {row['state']} {row['reason_code']} due {row['due_at']}")
        for attempts in self.judge.look().attempts.values():
            lines += [
                f"  {each['submission_id'][:6]} try {each['n']}: {each['outcome'] or 'open'}" for each in attempts
            ]
        lines += ["At AWS:", *(f"  {case.case_id} {case.marker}" for case in self.aws.cases())]
        return "\n".join(lines)

    # --- the end ---------------------------------------------------------------------------------------------------------------------
    def teardown(self) -> None:
        if sys.exc_info()[1] is not None:  # it went wrong already
            note(self.told())
        elif self.story:
            self._come_to_rest()

    def _come_to_rest(self) -> None:
        """Harm ends: whoever is left goes on, clocks are set right, AWS answers; then nothing may be left over."""
        self._say("--- harm ends")
        self.aws.reads_fail = False
        self.clocks.site_ahead = timedelta(0)
        for one in list(self.living):
            self._go_on(one, END, FINE)
        while self.aws.held:
            self.aws.let_arrive(0)
        self.clocks.pass_(A_WHILE)
        self._settle()
        if self.judge.may_come_up_later():
            self._quiet_round()
            self.clocks.pass_(A_DAY)
            self._quiet_round()
            self._settle()
        self.seen = self.judge.look()
        self.ends.update(row["state"] for row in self.seen.rows)
        self._expect([*self.judge.breaches(self.seen), *self.judge.breaches_at_the_end(), *self._broken_by_itself()])

    def _broken_by_itself(self) -> list[str]:
        """What the site's own invariants say; they cost as much as ten steps, and the judge says the same its own way."""
        type(self).examples += 1
        return invariants.broken() if self.every_step or self.examples % ASKED_ITSELF == 0 else []

    def _settle(self) -> None:
        """Round after round, from one time in the tables to the next, until no row moves any more."""
        patience = timedelta(seconds=16)  # a dispatcher rings no sooner again
        self.seen, left = self.judge.look(), []
        for _round in range(ROUNDS):
            if not (left := self.judge.unsettled(self.seen)):
                return
            before = self.seen
            self._quiet_round()
            self.seen = self.judge.look()
            patience = timedelta(seconds=16) if before != self.seen else patience * 2
            now = self.clocks.site
            at = min(self.judge.next_instant(now) or now + patience, now + max(patience, timedelta(hours=1)))
            self.clocks.pass_(max(at - now, A_WHILE))
        self._expect(left)

    def _quiet_round(self) -> None:
        """A dispatcher's round, and one worker for all its bells: there is one account. None where it drained by itself."""
        drained = self.drained
        self._start("dispatcher-0", self.dispatchers[0].tick, END, FINE, name="dispatcher-0")
        if self.world.bells and self.drained == drained:
            self._start_worker(END, FINE)
        self.world.bells.clear()
