"""The time that pages show is the time that then comes true: the plan against the dispatcher's and the workers' own steps."""

from datetime import timedelta

import pytest

from casesite.delivery import dispatcher, work
from casesite.submissions import queue, waiting
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from tests.delivery.promises import Days, kept
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db

TICK = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(bells, clock, settings):
    """Two accounts with few places an hour, and cases of all severities that came in over an hour."""
    settings.DRY_RUNS = False
    return Office(clock)


class Office:
    def __init__(self, clock):
        self.clock = clock
        self.team = a_team()
        self.author = a_user(team=self.team)
        self.reviewer = a_user(team=self.team, role=Role.REVIEWER)
        self.lead = a_user(team=self.team, role=Role.LEAD)
        self.accounts = [
            an_account(self.team, name="Few", cases_per_hour=3, reserved_urgent=1),
            an_account(self.team, name="More", cases_per_hour=5, reserved_urgent=2),
        ]
        self.promises = []  # (row, the time it was told, when it was told)
        self.sent = {}

    def queue_up(self, account, *severities):
        return [self.queue_one(account, severity) for severity in severities]

    def queue_one(self, account, severity):
        self.clock.advance(milliseconds=1)  # nobody hands in two at the same instant, and who came first goes first
        case = a_draft(by=self.author, account=account, severity_code=severity)
        return a_submission(State.QUEUED, case=case, reviewer=self.reviewer)

    def hold(self, row, **span):
        waiting.hold(row, by=self.author, until=self.clock.now + timedelta(**span), token=row.token)

    def promise(self, *, keep=False):
        """Write down what the pages tell now. What they told before somebody did something counts no more."""
        queues = queue.queues_of(AwsAccount.objects.all(), self.clock.now)
        told = [(key, at, self.clock.now) for key, at in queue.planned_in(queues).items()]
        self.promises = [*self.promises, *told] if keep else told

    def pass_(self, time, **span):
        """Let the dispatcher look around every 30 seconds, and do what it would ring for."""
        until = self.clock.now + timedelta(**span)
        while self.clock.now < until:
            for account_pk in dispatcher.due_accounts(self.clock.now):
                while work.step(account_pk):
                    pass
            for pk, at in Submission.objects.filter(state=State.DELIVERED).values_list("pk", "attempts__started_at"):
                self.sent[pk] = at
            time.pass_(seconds=TICK.total_seconds())

    def broken(self):
        """The promises that were more than a minute off, of what went out."""
        kept = {(key, made): abs(self.sent[key] - at) for key, at, made in self.promises if key in self.sent}
        return {promise: off for promise, off in kept.items() if off > MINUTE}


def test_every_case_goes_out_within_a_minute_of_the_time_shown(office, time, clock):
    few, more = office.accounts
    held, hurried, *_others = office.queue_up(
        few, *["normal", "low", "low", "high", "normal", "normal", "urgent", "low"]
    )
    office.hold(held, hours=3, minutes=20)
    office.pass_(time, minutes=17)
    held_briefly, held_long, *_others = office.queue_up(more, *["high", "low", "critical", "urgent"], *["normal"] * 8)
    office.hold(held_briefly, minutes=3)
    office.hold(held_long, hours=5)
    office.queue_up(few, "critical", "high", "low")
    office.promise()
    assert len(office.promises) == 20  # three of the first account went out already
    office.pass_(time, minutes=2)
    assert office.broken() == {}

    for row in (hurried, held_long):
        waiting.send_now(again(row), by=office.lead, token=again(row).token)
    office.promise()
    told = {key for key, _at, _made in office.promises}
    for _half_hour in range(12):
        office.pass_(time, minutes=30)
        office.promise(keep=True)
    office.pass_(time, minutes=60)

    assert {row.state for row in Submission.objects.all()} == {State.DELIVERED}
    assert office.broken() == {}
    assert {hurried.pk, held_long.pk, held.pk} <= told <= set(office.sent)
    assert office.sent[held.pk] >= again(held).held_until


def test_times_shown_come_true_in_an_office_with_many_accounts_and_bursts_of_approvals(bells, clock, settings, sandbox):
    settings.DRY_RUNS = False
    sandbox.settings(calls_per_second=1000, cases_per_hour=1_000_000)  # hours pass here in no time
    days = Days(clock, 40, round_=TICK)

    for several in (40, 3, 1):
        days.approve(30, days.draw.sample(days.accounts, several))
        days.look()
        days.pass_(timedelta(minutes=20))
        days.look()
    days.pass_(timedelta(minutes=90))

    off = days.off()
    assert len(off) > 100
    assert kept(off) >= 0.95


def again(row):
    return Submission.objects.get(pk=row.pk)
