"""Many processes beside each other on PostgreSQL: two web servers, a worker for each queue, two dispatchers.

They share one story, are replaced by a newer version while cases go out, and come back from a backup.
"""

from dataclasses import replace

import pytest

from casesite.runner import parts, ports
from tests.e2e.http import Person
from tests.e2e.office import Office, quiet
from tests.sites import READY_SECONDS, Site, wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.processes, pytest.mark.xdist_group("many")]

QUEUES = {"worker-urgent": "urgent", "worker-default": "default,lookups", "worker-sync": "sync"}
ROLES = ("broker", "sandbox", *QUEUES, "dispatcher-1", "dispatcher-2", "web", "web-2")
NEXT = {"DJANGO_SETTINGS_MODULE": "tests.next_version.settings"}


class ManySite(Site):
    """Roles are named as in ROLES."""

    second_port = 0

    @classmethod
    def prepare(cls, var, database_url):
        site = cls.in_parts(var, extra_env={"DATABASE_URL": database_url}, without=("worker", "dispatcher", "web"))
        site.second_port = ports.free()
        for role in ROLES[2:]:
            site.start_part(role)
        wait_until(lambda: len(site.living()) == 5, what="the first beats", seconds=READY_SECONDS)
        return site

    @property
    def second_url(self):
        return f"http://127.0.0.1:{self.second_port}"

    def _part(self, role):
        kind, _, which = role.partition("-")
        place = self._place
        if role == "web-2":
            self._place = replace(place, port=self.second_port, url=self.second_url)
        try:
            part = super()._part(kind)
        finally:
            self._place = place
        if kind == "worker":
            words = {parts.QUEUES: QUEUES[role], f"site-{place.port}@%h": f"{which}-{place.port}@%h"}
            part = replace(part, command=[words.get(word, word) for word in part.command])
        return part

    def _readiness(self, role):
        if role == "web-2":
            return lambda: ports.answers(self.second_port, "/healthz")
        return super()._readiness(role)

    def living(self):
        """Processes that say they live, by role."""
        rows = self.rows(
            "SELECT role, process, queues FROM delivery_beat WHERE stopped_at IS NULL AND role IN ('worker', 'dispatcher')"
        )
        return sorted((row["role"], row["queues"], row["process"]) for row in rows)

    def stop_all(self):
        return [self.stop_part(role) for role in reversed(ROLES) if role in self._parts]


@pytest.fixture(scope="module")
def site(postgres, tmp_path_factory):
    with postgres.database() as url:
        site = ManySite.prepare(tmp_path_factory.mktemp("many"), url)
        yield site
        assert set(site.stop_all()) == {0}


@pytest.fixture(scope="module")
def office(site):
    """An author at one web server, and a reviewer at the other."""
    office = Office(site)
    passwords = dict(line.split(", ")[:2] for line in site.sign_ins)
    office.reviewer = Person.signed_in(site.second_url, "reviewer", passwords["reviewer"])
    return office


def test_a_case_goes_from_the_form_of_one_server_through_review_at_another_to_aws(office, site):
    case = office.account().submit()
    assert case.state == "pending_review"

    assert "Approved" in case.approve().text

    case.wait_for("delivered")
    case.assert_delivered_once()
    assert case.attempts == [("done", "")]


def test_each_queue_is_served_one_dispatcher_leads_and_both_servers_are_ready(site):
    served = [row["queues"] for row in beats(site, "worker")]
    assert sorted(served) == ["default,lookups", "sync", "urgent"]
    dispatchers = [row["process"] for row in beats(site, "dispatcher")]
    assert len(dispatchers) == 2
    assert [row["queues"] in dispatchers for row in beats(site, "leader")] == [True]
    for port in (site.second_port, int(site.url.rpartition(":")[2])):
        wait_until(lambda port=port: ports.answers(port, "/readyz"), what="a server that is ready", seconds=90)


def beats(site, role):
    return site.rows("SELECT * FROM delivery_beat WHERE role = ? AND stopped_at IS NULL", role)


def test_a_newer_version_takes_over_while_cases_go_out_and_nothing_is_lost(office, site):
    accounts = office.accounts(4)
    for account in accounts:
        account.wire.fault("slow", seconds=2, times=3)
    cases = [account.submit(f"Case {number}") for account in accounts for number in range(3)]
    for case in cases[:6]:
        case.approve()
    wait_until(lambda: any(account.requests_at_aws for account in accounts), what="the first request")

    # As the documents say: the tables first, while everything works, then workers, dispatchers, web.
    site.manage("migrate", "--no-input", "--verbosity", "0", **NEXT)
    cases.append(accounts[0].submit("Written in the old version, on the new tables"))
    for case in cases[6:9]:
        case.approve()
    for role in (*QUEUES, "dispatcher-1", "dispatcher-2", "web", "web-2"):
        assert site.stop_part(role) == 0
        site.start_part(role, **NEXT)
    for case in cases[9:]:
        case.approve()

    for case in cases:
        case.wait_for("delivered", seconds=90)
        assert case.attempts == [("done", "")]
    for account in accounts:
        ours = sorted(case.aws_case_id for case in cases if case.account is account)
        assert sorted(each.case_id for each in account.cases_at_aws) == ours
        assert len(account.requests_at_aws) == len(ours) >= 3
    assert site.rows("SELECT count(written_by_new) AS n FROM submissions_submission") == [{"n": 0}]


def test_invariants_hold_after_all_this(site):
    wait_until(lambda: quiet(site), what="calm", seconds=90)

    assert site.manage("verify_invariants").stdout.startswith("all hold: I1,")
