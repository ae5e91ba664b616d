"""Two installations on one AWS account: neither knows of the other, and both find AWS's limits by being refused."""

from contextlib import contextmanager

import pytest
from django.db import connection

from casesite.aws.clients import clients
from casesite.delivery import invariants, work
from casesite.delivery.models import Attempt
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import marker
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from tests.delivery.harm import write_through
from tests.factories import a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNT = "555566667777"


class Site:
    """One of the two: a database of its own, with its own key for markers, gates and hours."""

    def __init__(self, database, name):
        self.database, self.name = database, name

    @contextmanager
    def at_work(self):
        """This process is one of this site's."""
        before = connection.settings_dict["NAME"]
        self._turn_to(self.database)
        try:
            yield
        finally:
            self._turn_to(before)

    def _turn_to(self, database):
        connection.close()
        connection.settings_dict["NAME"] = database
        marker._key.cache_clear()
        clients.forget_everything()

    def approve(self, number):
        """So many approved cases of the account that both use."""
        with self.at_work():
            team = a_team(self.name)
            author, account = a_user(team=team), an_account(team, account_id=ACCOUNT)
            for n in range(number):
                a_submission(State.QUEUED, by=author, account=account, subject=f"{self.name} {n}")

    def step(self):
        with self.at_work():
            return work.step(Submission.objects.first().account_id)

    def rows(self):
        with self.at_work():
            return list(Submission.objects.select_related("case"))

    def ask(self, question):
        with self.at_work():
            return question()


@pytest.fixture
def sites(transactional_db):
    write_through()
    connection.creation.clone_test_db("other", verbosity=0, autoclobber=True)
    copy = connection.creation.get_test_db_clone_settings("other")["NAME"]
    yield Site(connection.settings_dict["NAME"], "First site"), Site(copy, "Second site")
    connection.creation.destroy_test_db(suffix="other", verbosity=0)


def work_in_turns(sites):
    """Each does one thing after the other, until neither has anything to do."""
    while {site.step() for site in sites} != {False}:
        pass


def assert_each_has_its_own(sites, sandbox):
    """Nothing is lost or doubled, and each recognises its own cases and no other."""
    at_aws = {case.case_id: case for case in sandbox.cases(ACCOUNT)}
    rows = {site: site.rows() for site in sites}
    assert {row.state for both in rows.values() for row in both} == {State.DELIVERED}
    assert sorted(at_aws) == sorted(row.remote_id for both in rows.values() for row in both)
    assert len({case.subject for case in at_aws.values()}) == len(at_aws)
    for site, own in rows.items():
        recognised = site.ask(lambda: {id_ for id_, case in at_aws.items() if marker.in_body(case.body)})
        assert recognised == {row.remote_id for row in own}
        assert {row.refusals for row in own} == {0}
        assert site.ask(invariants.broken) == []


def test_two_sites_on_one_account_find_its_hour_by_being_refused(sites, sandbox, bells, time):
    for site in sites:
        site.approve(7)  # as many as each may open by its own count; AWS takes ten

    work_in_turns(sites)

    assert len(sandbox.cases(ACCOUNT)) == 10
    waiting = [row for site in sites for row in site.rows() if row.state == State.QUEUED]
    assert (len(waiting), {row.reason_code for row in waiting if row.reason_code}) == (4, {Reason.QUOTA})
    for _ten_minutes in range(8):
        time.pass_(minutes=10)
        work_in_turns(sites)

    assert_each_has_its_own(sites, sandbox)
    asked = sum(site.ask(Attempt.objects.count) for site in sites)
    assert 14 < asked < 14 + 2 * 8  # each is refused once for each time that it tries


def test_two_sites_on_one_account_slow_down_for_each_other(sites, sandbox, bells, time):
    first, second = sites
    for site in sites:
        site.approve(2)
    sandbox.account(ACCOUNT, calls_per_second=0.001)  # one call, and then none for long

    first.step()
    second.step()

    # Both rows came in at one instant of the test's clock: either may go first.
    assert sorted(row.state for row in first.rows()) == [State.DELIVERED, State.QUEUED]
    assert sorted(row.reason_code for row in second.rows()) == ["", Reason.THROTTLED]
    gate = second.ask(lambda: AccountGate.objects.get(mode=Mode.WRITE))
    assert (gate.throttles, gate.blocked_because) == (1, "throttled")
    sandbox.account(ACCOUNT, calls_per_second=1000)
    for _minutes in range(3):
        time.pass_(minutes=5)
        work_in_turns(sites)
    assert_each_has_its_own(sites, sandbox)


def test_lost_answer_of_one_site_is_not_found_in_the_case_of_the_other(sites, sandbox, bells, time):
    first, second = sites
    for site in sites:
        site.approve(1)
    sandbox.fault("support.CreateCase", "drop", account=ACCOUNT)
    first.step()
    second.step()

    for _minutes in range(5):
        time.pass_(minutes=5)
        work_in_turns(sites)

    assert_each_has_its_own(sites, sandbox)
