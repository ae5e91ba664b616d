"""The small pieces that templates are made of."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from casesite.web.templatetags.casesite import ago, both_times, clock_time

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday


@pytest.fixture(autouse=True)
def at_half_past_nine(clock_at):
    clock_at(NOW)


def rendered(source: str, **context) -> str:
    return Template("{% load casesite %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=12, seconds=59), "12 min ago"),
        (timedelta(hours=2, minutes=40), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "23 Feb"),
        (timedelta(days=200), "14 Aug 2025"),
        (timedelta(seconds=-20), "in a moment"),
        (timedelta(minutes=-7), "in 7 min"),
    ],
)
def test_ago_is_the_largest_unit_and_a_date_from_a_week_on(span, words):
    assert ago(NOW - span) == words


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 3, 2, 14, 32, tzinfo=UTC), "15:32"),
        (datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "3 Mar, 00:30"),
        (datetime(2025, 3, 2, 14, 32, tzinfo=UTC), "2 Mar 2025, 15:32"),
    ],
)
def test_exact_time_is_local_and_has_a_date_when_not_today(instant, words):
    with timezone.override("Europe/Berlin"):
        assert clock_time(instant) == words


def test_title_tells_local_time_and_utc():
    with timezone.override("America/Sao_Paulo"):
        assert both_times(NOW) == "Mon 2 Mar 2026, 06:30:00 America/Sao_Paulo (09:30:00 UTC)"
        late = datetime(2026, 3, 2, 1, 5, 9, tzinfo=UTC)
        assert both_times(late) == "Sun 1 Mar 2026, 22:05:09 America/Sao_Paulo (Mon 2 Mar 2026, 01:05:09 UTC)"
    assert both_times(NOW) == "Mon 2 Mar 2026, 09:30:00 UTC"


def test_when_is_a_time_that_the_browser_keeps_true():
    assert rendered("{% when at %}", at=NOW - timedelta(minutes=12)) == (
        '<time datetime="2026-03-02T09:18:00Z" title="Mon 2 Mar 2026, 09:18:00 UTC" data-relative>12 min ago</time>'
    )


def test_exact_is_a_time_that_stays():
    assert rendered("{% exact at %}", at=NOW) == (
        '<time datetime="2026-03-02T09:30:00Z" title="Mon 2 Mar 2026, 09:30:00 UTC">09:30</time>'
    )


def test_no_instant_shows_nothing():
    assert rendered("{% when at %}{% exact at %}", at=None) == ""


def test_chip_is_a_tone_and_a_word():
    label = SimpleNamespace(text="Checking <b>", tone="doubt")

    assert rendered("{% state_chip label %}", label=label) == '<span class="chip doubt">Checking &lt;b&gt;</span>'


def test_chip_knows_no_other_tones():
    assert rendered('{% chip "x" tone %}', tone='"><script>') == '<span class="chip plain">x</span>'


def test_copyable_shows_one_text_and_copies_the_other():
    html = rendered('{% copyable "111122223333" "1111 2222 3333" "account id" %}')

    assert "<code>1111 2222 3333</code>" in html
    assert 'data-copy="111122223333"' in html
    assert 'aria-label="Copy account id"' in html


@pytest.mark.parametrize(("value", "total", "width"), [(7, 10, "70.0"), (12, 10, "100"), (-1, 10, "0"), (1, 0, "0")])
def test_meter_is_a_share_between_nothing_and_all(value, total, width):
    assert f'<rect width="{width}"' in rendered("{% meter value total %}", value=value, total=total)


def test_link_to_a_field_leads_to_its_control():
    class Form(forms.Form):
        subject = forms.CharField()
        theme = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)

    form = Form()

    assert rendered("{% field_anchor field %}", field=form["subject"]) == "id_subject"
    assert rendered("{% field_anchor field %}", field=form["theme"]) == "id_theme_0"
