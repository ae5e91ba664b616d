"""/readyz is red, and says why, where no dispatcher sweeps, no worker consumes or the disk is nearly full."""

from collections import namedtuple

import pytest

from casesite.delivery import canary, dispatcher, readiness
from casesite.delivery.models import Beat
from casesite.web import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def swept(clock):
    """A dispatcher that beats, and the round it has just made."""
    Beat.objects.create(process="here:1:boot", role="dispatcher", started_at=clock.now, at=clock.now)
    dispatcher.elected()
    return clock


def beats_on(clock):
    Beat.objects.filter(role="dispatcher").update(at=clock.now)


def test_dispatcher_that_sweeps_is_no_trouble(swept):
    swept.advance(seconds=59)

    assert readiness.dispatcher_trouble() == ""


def test_site_without_a_dispatcher_says_so(clock):
    assert readiness.dispatcher_trouble() == "no dispatcher runs: start one"


def test_dispatcher_that_fell_silent_is_told_from_one_that_was_stopped(swept):
    swept.advance(minutes=3)
    silent = readiness.dispatcher_trouble()
    Beat.objects.filter(role="dispatcher").update(stopped_at=swept.now)

    assert silent == "the dispatcher fell silent 3 min ago: start one"
    assert readiness.dispatcher_trouble() == "the dispatcher was stopped 3 min ago: start one"


def test_dispatcher_that_beats_but_makes_no_round_is_found(swept):
    swept.advance(minutes=4)
    beats_on(swept)

    said = readiness.dispatcher_trouble()

    assert said == "the dispatcher lives, but has made no round for 4 min: start it again"


def test_dispatcher_that_started_just_now_is_not_blamed_for_the_time_before(swept):
    swept.advance(hours=3)
    Beat.objects.filter(role="dispatcher").update(started_at=swept.now, at=swept.now)

    assert readiness.dispatcher_trouble() == ""


def test_second_dispatcher_makes_up_for_one_that_died(swept):
    swept.advance(minutes=10)
    Beat.objects.create(process="there:2:boot", role="dispatcher", started_at=swept.now, at=swept.now)

    assert readiness.dispatcher_trouble() == ""


def test_canary_that_nobody_answers_names_its_queue(bells, clock):
    canary.ring()
    clock.advance(minutes=3)
    for queue_name in ("urgent", "lookups", "sync"):
        canary.answer(queue_name)

    assert readiness.canary_trouble() == "no worker answers on default: start one, or start it again"


@pytest.fixture
def full_disk(monkeypatch):
    usage = namedtuple("usage", "total used free")(10**10, 10**10 - 123_456_789, 123_456_789)
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda _path: usage)


def test_disk_that_is_nearly_full_says_how_little_is_left(full_disk):
    assert readiness.disk_trouble() == "123 MB are left on the disk of the data: make room"


def test_checks_are_red_with_these_words(clock, bells, full_disk):
    canary.ring()
    clock.advance(minutes=5)

    said = {}
    for name, check in readiness.CHECKS.items():
        with pytest.raises(health.NotReady) as caught:
            check()
        said[name] = str(caught.value)

    assert said == {
        "dispatcher": readiness.dispatcher_trouble(),
        "workers": readiness.canary_trouble(),
        "disk": readiness.disk_trouble(),
    }


@pytest.mark.django_db(transaction=True)
def test_readyz_asks_for_them(client, clock):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["dispatcher"] == "no dispatcher runs: start one"
    assert set(readiness.CHECKS) <= set(answer.json()["checks"])
