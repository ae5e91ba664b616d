"""A person's own settings."""

import pytest

from casesite.teams.forms import time_zones
from casesite.teams.models import Preferences
from tests.factories import a_team, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    person = a_user(team=a_team())
    client.force_login(person)
    return person


def test_settings_need_a_sign_in(client):
    assert client.get("/accounts/settings/")["Location"] == "/accounts/login/?next=/accounts/settings/"


def test_looking_at_the_settings_makes_no_row(client, person):
    assert client.get("/accounts/settings/").status_code == 200
    assert not Preferences.objects.exists()


def test_choice_is_kept_and_holds_at_once(client, person):
    answer = client.post("/accounts/settings/", {"time_zone": "Asia/Tokyo", "theme": "dark"}, follow=True)

    assert answer.redirect_chain == [("/accounts/settings/", 302)]
    assert Preferences.objects.values_list("user", "time_zone", "theme").get() == (person.pk, "Asia/Tokyo", "dark")
    assert (client.session["time_zone"], client.session["theme"]) == ("Asia/Tokyo", "dark")
    html = answer.content.decode()
    assert 'data-theme="dark"' in html
    assert "Your settings are saved." in html


def test_second_choice_replaces_the_first(client, person):
    client.post("/accounts/settings/", {"time_zone": "Asia/Tokyo", "theme": "dark"})
    client.post("/accounts/settings/", {"time_zone": "UTC", "theme": "auto"})

    assert Preferences.objects.values_list("time_zone", "theme").get() == ("UTC", "auto")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"time_zone": "Mars/Base", "theme": "dark"}, "time_zone"),
        ({"time_zone": "UTC", "theme": "pink"}, "theme"),
        ({"theme": "dark"}, "time_zone"),
    ],
)
def test_wrong_choice_is_named_at_its_field_and_in_the_summary(client, person, fields, wrong):
    html = client.post("/accounts/settings/", fields).content.decode()

    assert f'id="error_1_id_{wrong}"' in html
    assert 'href="#id_' in html.partition("data-error-summary")[2]
    assert not Preferences.objects.exists()


def test_zones_are_all_iana_names_with_utc_first():
    names = [name for name, _label in time_zones()]

    assert names[0] == "UTC"
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Etc/UTC"} <= set(names)
    assert not [name for name in names if name.startswith(("posix", "right"))]
    assert len(names) == len(set(names))
