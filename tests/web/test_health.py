"""/healthz says that the process is up, /readyz that it can do its work."""

import threading
import time

import pytest

from casesite.web import health


@pytest.fixture(autouse=True)
def probes(monkeypatch):
    """The checks that are registered, in a dictionary that the test may change."""
    probes = dict(health._probes)
    monkeypatch.setattr(health, "_probes", probes)
    return probes


def test_healthz_answers_without_a_database(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_asked_under_any_name_and_without_https(client, settings, probes, path):
    settings.ALLOWED_HOSTS = ["cases.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    probes.clear()

    answer = client.get(path, headers={"host": "10.1.2.3:8000"})

    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_readyz_asks_database_and_broker(client, probes):
    for name in set(probes) - {"database", "broker"}:
        del probes[name]

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "broker": "ok"}}


def test_readyz_says_which_check_failed_and_keeps_the_details_to_the_log(client, probes, caplog):
    def away():
        raise ConnectionRefusedError("no answer from 10.0.0.5, password hunter2")

    probes.clear()
    health.register("broker", away)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {"broker": "ConnectionRefusedError"}}
    assert caplog.records[0].error.args == ("no answer from 10.0.0.5, password hunter2",)


def test_readyz_gives_the_words_that_are_meant_for_anybody(client, probes):
    def silent():
        raise health.NotReady("no dispatcher runs: start one")

    probes.clear()
    health.register("dispatcher", silent)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]) == (503, {"dispatcher": "no dispatcher runs: start one"})


def test_readyz_gives_up_on_a_check_that_hangs_and_starts_it_only_once(client, probes, monkeypatch):
    entered, release = [], threading.Event()

    def hang():
        entered.append(1)
        release.wait(10)

    probes.clear()
    monkeypatch.setattr(health, "PATIENCE", 0.1)
    health.register("database", hang)
    began = time.monotonic()

    answers = [client.get("/readyz") for _ in range(3)]
    release.set()

    assert time.monotonic() - began < 2
    assert [answer.json()["checks"] for answer in answers] == [{"database": "no answer within 0.1 s"}] * 3
    assert entered == [1]


def test_broker_check_fails_at_once_where_nobody_listens(monkeypatch):
    from redis.exceptions import ConnectionError

    from casesite import celery

    monkeypatch.setattr(celery.app.conf, "broker_url", "redis://127.0.0.1:1/0")
    began = time.monotonic()

    with pytest.raises(ConnectionError):
        celery.check_broker()

    assert time.monotonic() - began < 1
