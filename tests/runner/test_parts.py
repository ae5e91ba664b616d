"""Command lines and environments of the parts."""

from pathlib import Path

import pytest

from casesite.runner import parts


@pytest.fixture
def site():
    return parts.Site(
        var=Path("/srv/cases"),
        port=8003,
        url="http://127.0.0.1:8003",
        redis_url="redis://:secret@127.0.0.1:6380/0",
        sandbox_url="http://127.0.0.1:8010",
        threads=16,
        started_from={
            "PATH": "/bin",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ENDPOINT_URL": "x",
            "REDIS_URL": "old",
            "DJANGO_SETTINGS_MODULE": "another.settings",
        },
    )


@pytest.mark.parametrize(
    ("make", "gets_aws"),
    [
        (parts.worker, True),
        (parts.dispatcher, True),
        (parts.web, False),
        (lambda site: parts.sandbox(site, port=8010), False),
        (lambda site: parts.command(site, "migrate"), False),
        (parts.tables, False),
    ],
)
def test_aws_variables_go_to_those_who_talk_to_aws(site, make, gets_aws):
    given = {name for name in make(site).environment if name.startswith("AWS_")}

    assert given == ({"AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} if gets_aws else set())


@pytest.mark.parametrize("make", [parts.worker, parts.dispatcher, parts.web])
def test_parts_are_told_which_site_they_belong_to(site, make):
    environment = make(site).environment

    assert environment["CASESITE_VAR"] == "/srv/cases"
    assert environment["PORT"] == "8003"
    assert environment["REDIS_URL"] == "redis://:secret@127.0.0.1:6380/0"
    assert environment["CASESITE_SANDBOX_URL"] == "http://127.0.0.1:8010"
    assert environment["DJANGO_SETTINGS_MODULE"] == "casesite.settings"


def test_worker_has_time_for_calls_in_flight(site):
    assert (parts.worker(site).grace, parts.dispatcher(site).grace, parts.web(site).grace) == (60, 60, 15)


def test_worker_serves_every_queue_by_threads(site):
    command = " ".join(parts.worker(site).command)

    assert "-P threads -c 16 -Q urgent,default,lookups,sync" in command
    assert "--without-gossip --without-mingle --without-heartbeat" in command


def test_web_listens_on_its_port_or_on_an_open_socket(site):
    by_hand, handed = parts.web(site), parts.web(site, listening=7)

    assert by_hand.command[by_hand.command.index("--bind") + 1] == "127.0.0.1:8003"
    assert (handed.command[handed.command.index("--bind") + 1], handed.pass_fds) == ("fd://7", (7,))
    assert "--no-control-socket" in by_hand.command
