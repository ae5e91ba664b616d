"""Bells: after the commit, never in anybody's way, and never a reason for an error."""

import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

import pytest
from celery import Celery, current_app
from django.db import transaction

from casesite import settings as house
from casesite.pacing import bell
from tests.bells import Bell


def until(condition, seconds=60.0):
    """Wait for another thread."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Broker:
    """Takes the bells of `bell`, or fails."""

    def __init__(self, error=None):
        self.error = error
        self.asked = 0

    def send_task(self, *_given, **_options):
        self.asked += 1
        if self.error:
            raise self.error


# --- when -----------------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_bell_is_rung_after_the_commit(bells):
    with transaction.atomic():
        bell.ring_after_commit(bell.WORK_OFF, 7, queue_name="urgent")
        assert bells == []

    assert bells == [Bell("delivery.work_off", 7, "urgent")]


@pytest.mark.django_db(transaction=True)
def test_a_bell_is_not_rung_after_a_rollback(bells):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        bell.ring_after_commit(bell.WORK_OFF, 7)
        raise ZeroDivisionError

    assert bells == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_fails_spoils_no_commit(monkeypatch, caplog):
    broker = Broker(ConnectionRefusedError("nobody there"))
    monkeypatch.setattr(bell, "current_app", broker)

    with transaction.atomic():
        bell.ring_after_commit(bell.WORK_OFF, 7)
    until(lambda: caplog.records)

    [record] = caplog.records
    assert (record.levelno, record.about, record.error) == (logging.WARNING, 7, "ConnectionRefusedError")


@pytest.mark.django_db(transaction=True)
def test_a_process_that_can_not_ring_spoils_no_commit(monkeypatch):
    def fail():
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(bell, "_bells", SimpleQueue())
    monkeypatch.setattr(bell, "_ensure_ringer", fail)
    went_on = []

    with transaction.atomic():
        bell.ring_after_commit(bell.WORK_OFF, 7)
        transaction.on_commit(lambda: went_on.append(True))

    assert went_on == [True]


# --- what -----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("queue", "priority"), [("urgent", 0), ("default", 3), ("lookups", 3), ("sync", 6)])
def test_a_message_says_which_account_and_lives_for_a_minute(queue, priority):
    with current_app.connection_for_read() as connection:
        received = connection.SimpleQueue(queue)
        received.clear()

        assert bell.ring_now(bell.WORK_OFF, 7, queue_name=queue) is True
        message = received.get(timeout=60)
        message.ack()
    args, kwargs, embedded = message.payload
    assert (message.headers["task"], args, kwargs) == ("delivery.work_off", [7], {})
    assert not any(embedded.values())
    assert message.headers["ignore_result"] is True
    assert (message.headers["eta"], message.headers["retries"]) == (None, 0)
    assert message.properties["priority"] == priority
    left = datetime.fromisoformat(message.headers["expires"]) - datetime.now(UTC)
    assert timedelta(seconds=55) < left <= timedelta(seconds=60)


def test_a_bell_is_rung_by_a_thread_of_its_own(monkeypatch):
    broker = Broker()
    monkeypatch.setattr(bell, "current_app", broker)

    for _bell in range(3):
        bell.ring(bell.WORK_OFF, 7)

    until(lambda: broker.asked == 3)


# --- a broker that fails ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("error", [ConnectionError("gone"), TimeoutError("slow"), RuntimeError("whatever")])
def test_after_a_failure_a_process_is_quiet_for_ten_seconds(error, monkeypatch):
    broker, now = Broker(error), time.monotonic()
    monkeypatch.setattr(bell, "current_app", broker)
    monkeypatch.setattr(bell.time, "monotonic", lambda: now)

    rung = [bell.ring_now(bell.WORK_OFF, 7) for _bell in range(3)]
    assert (rung, broker.asked) == ([False] * 3, 1)

    now += 9.9
    bell.ring_now(bell.WORK_OFF, 7)
    assert broker.asked == 1

    now += 0.2
    broker.error = None
    assert bell.ring_now(bell.WORK_OFF, 7) is True


@pytest.fixture
def app_at(monkeypatch):
    """`app_at(url)`: bells go to a broker there, by the site's own settings."""

    def make(url):
        app = Celery("bells", broker=url, set_as_current=False)
        app.conf.broker_transport_options = house.CELERY_BROKER_TRANSPORT_OPTIONS
        app.conf.task_publish_retry = house.CELERY_TASK_PUBLISH_RETRY
        monkeypatch.setattr(bell, "current_app", app)
        return app

    return make


@pytest.fixture
def hung_broker():
    """The address of a broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_a_hung_broker_costs_a_page_nothing_and_the_ringer_an_end(hung_broker, app_at, monkeypatch):
    waited_in = []
    ring_now = bell.ring_now

    def noting(*given, **options):
        waited_in.append(threading.current_thread())
        return ring_now(*given, **options)

    monkeypatch.setattr(bell, "ring_now", noting)
    app_at(hung_broker)

    bell.ring(bell.WORK_OFF, 7)

    until(lambda: bell._quiet_until > 0)
    assert waited_in
    assert threading.current_thread() not in waited_in


def test_a_dead_broker_is_asked_once_and_not_waited_for(app_at, monkeypatch):
    waits = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waits.append)
    app_at("redis://127.0.0.1:9/0")

    assert bell.ring_now(bell.WORK_OFF, 7) is False

    assert waits == []


# --- later ----------------------------------------------------------------------------------------------------------------------
def test_a_bell_for_later_is_rung_once_its_time_has_come(bells):
    began = time.monotonic()

    bell.ring_later(0.2, bell.WORK_OFF, 7)

    assert bells == []
    until(lambda: bells)
    assert bells == [Bell("delivery.work_off", 7, "default")]
    assert time.monotonic() - began >= 0.2


def test_of_several_bells_for_later_the_first_is_rung_and_no_other(bells):
    bell.ring_later(0.1, bell.WORK_OFF, 8)  # what the thread that rings waits for meanwhile
    bell.ring_later(3600, bell.WORK_OFF, 7)
    bell.ring_later(0.2, bell.WORK_OFF, 7)
    bell.ring_later(3600, bell.WORK_OFF, 7)

    until(lambda: len(bells) == 2)

    assert [rung.account for rung in bells] == [8, 7]
    assert bell._later == {}
