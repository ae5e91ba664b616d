"""The waiting times of the protocol, whole and shortened."""

from datetime import timedelta

import pytest

from casesite.pacing import times

SECONDS = {
    "hour": (times.hour, 3600, 360, 60),
    "validity": (lambda: times.validity(urgent=False), 900, 90, 15),
    "validity of urgent ones": (lambda: times.validity(urgent=True), 300, 30, 5),
    "visibility": (times.visibility, 120, 12, 2),
    "send window": (times.send_window, 30, 5, 5),
    "lease of preparing": (times.preparing_lease, 300, 30, 5),
    "lease of sending": (times.sending_lease, 90, 9, 5),
    "lease of a look": (times.look_lease, 90, 9, 5),
}


@pytest.mark.parametrize("row", SECONDS.values(), ids=SECONDS)
def test_each_time_is_divided_by_the_scale_down_to_its_floor(row, settings):
    time, *expected = row

    found = []
    for settings.TIME_SCALE in (1, 10, 60):
        found.append(time().total_seconds())

    assert found == expected


def test_a_lease_of_sending_outlasts_the_window_to_send(settings):
    """Who may still send must not be declared dead: also where floors shorten the difference."""
    for settings.TIME_SCALE in (1, 7, 20, 60):
        assert times.sending_lease() >= times.send_window()


@pytest.mark.parametrize(
    ("seconds", "scale", "floor", "scaled"),
    [(60, 10, 0, 6), (60, 60, 5, 5), (60, 1, 5, 60), (3, 60, 5, 3), (3, 1, 5, 3)],
)
def test_a_floor_never_lengthens_a_time(seconds, scale, floor, scaled, settings):
    settings.TIME_SCALE = scale

    assert times.scaled(timedelta(seconds=seconds), floor=floor) == timedelta(seconds=scaled)


def test_a_bound_is_rounded_up_to_the_seconds_of_a_date_header(settings):
    settings.TIME_SCALE = 7

    assert times.bound_of(timedelta(seconds=120)) == timedelta(seconds=18)
