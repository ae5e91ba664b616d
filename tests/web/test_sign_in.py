"""Signing in, and what somebody typed before the session ended."""

import json
from html.parser import HTMLParser

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from casesite.teams.models import Preferences, Role
from casesite.web.auth import Kept, login_required_keeping_text
from casesite.web.sessions import SessionStore
from tests.factories import PASSWORD, a_team, a_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@login_required_keeping_text
def echo(request):
    return HttpResponse(json.dumps([request.user.username, request.method, dict(request.POST.lists())]))


urlpatterns = [path("echo/", echo), path("", include("casesite.urls"))]

TEXT = 'Since 09:12 "all" <b>tasks</b> fail & more\r\n\r\nünïcode \U0001f600 \t end '
POSTED = {
    "subject": "ECS",
    "body": TEXT,
    "cc": ["a@b.example", "c@d.example"],
    "empty": "",
    "username": "not the sign-in",
}


class Forms(HTMLParser):
    """The forms of a page as a browser would post them: address and fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append((attrs.get("action", ""), []))
        elif tag == "input" and self.forms and "name" in attrs:
            self.forms[-1][1].append((attrs["name"], attrs.get("value") or ""))


def form_of(answer, action: str) -> dict[str, list[str]]:
    page = Forms()
    page.feed(answer.content.decode())
    fields: dict[str, list[str]] = {}
    for name, value in next(fields for address, fields in page.forms if address == action):
        fields.setdefault(name, []).append(value)
    return fields


def signed_in_with(client, fields, user, password=PASSWORD):
    return client.post("/accounts/login/", fields | {"username": user.username, "password": password})


@pytest.fixture
def person():
    return a_user("m.silva", team=a_team())


def test_sign_in_leads_to_where_one_wanted(client, person):
    answer = signed_in_with(client, {"next": "/echo/?a=1"}, person)

    assert (answer.status_code, answer["Location"]) == (302, "/echo/?a=1")


def test_reading_first_leads_through_the_sign_in(client):
    answer = client.get("/echo/?a=1")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/echo/%3Fa%3D1")


def test_posted_text_goes_on_after_the_sign_in(client, person):
    sign_in = client.post("/echo/?step=2", POSTED)
    fields = form_of(sign_in, "/accounts/login/")
    assert fields["next"] == ["/echo/?step=2"]

    going_on = signed_in_with(client, fields, person)
    kept = form_of(going_on, "/echo/?step=2")
    kept.pop("csrfmiddlewaretoken")
    answer = client.post("/echo/?step=2", kept)

    assert json.loads(answer.content) == [
        "m.silva",
        "POST",
        {name: value if isinstance(value, list) else [value] for name, value in POSTED.items()},
    ]


def test_text_outlives_a_wrong_password(client, person):
    fields = form_of(client.post("/echo/", POSTED), "/accounts/login/")

    again = form_of(signed_in_with(client, fields, person, "wrong"), "/accounts/login/")

    assert again["kept_fields"] == fields["kept_fields"]


def test_text_outlives_too_many_attempts(client, person, settings):
    settings.AXES_FAILURE_LIMIT = 2
    fields = form_of(client.post("/echo/", POSTED), "/accounts/login/")
    signed_in_with(client, fields, person, "wrong")
    locked = signed_in_with(client, fields, person, "wrong")
    assert locked.status_code == 429
    assert "Too many attempts" in locked.content.decode()

    back = client.post("/accounts/login/", form_of(locked, "/accounts/login/"))

    assert form_of(back, "/accounts/login/")["kept_fields"] == fields["kept_fields"]
    assert form_of(back, "/accounts/login/")["next"] == ["/echo/"]
    assert "There is a problem" not in back.content.decode()


def test_text_goes_on_when_one_signed_in_in_another_tab(client, person):
    fields = form_of(client.post("/echo/", POSTED), "/accounts/login/")
    client.force_login(person)

    going_on = client.post("/accounts/login/", fields)

    assert form_of(going_on, "/echo/")["body"] == [TEXT]


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "https:evil", ""]
)
def test_text_goes_nowhere_else(client, person, elsewhere):
    fields = {"next": elsewhere, "kept_fields": str(Kept((("subject", "secret"),)))}

    answer = signed_in_with(client, fields, person)

    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"fields": 3, "files": []}', '{"fields": [["a"]], "files": []}', "null"]
)
def test_what_cannot_be_read_is_left_behind(client, person, broken):
    answer = signed_in_with(client, {"next": "/echo/", "kept_fields": broken}, person)

    assert (answer.status_code, answer["Location"]) == (302, "/echo/")


def test_files_are_named_and_the_form_is_shown_again_instead_of_sent(client, person):
    file = SimpleUploadedFile("trace.log", b"x")
    sign_in = client.post("/echo/", {"subject": "ECS", "action": "submit", "files": file})
    going_on = signed_in_with(client, form_of(sign_in, "/accounts/login/"), person)

    kept = form_of(going_on, "/echo/")

    assert (kept["action"], kept["subject"], "files" in kept) == (["update"], ["ECS"], False)
    assert "trace.log" in going_on.content.decode()


def test_pages_that_carry_text_are_not_stored(client, person):
    sign_in = client.post("/echo/", POSTED)
    going_on = signed_in_with(client, form_of(sign_in, "/accounts/login/"), person)

    assert "no-store" in sign_in["Cache-Control"]
    assert "no-store" in going_on["Cache-Control"]


def test_fragment_of_somebody_signed_out_leaves_the_page_and_tells(client):
    answer = client.post("/echo/", POSTED, headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content) == (401, b"")
    assert "What you typed is still here" in json.loads(answer["HX-Trigger"])["casesite:signed-out"]


# --- a page left open over another sign-in ------------------------------------------------------------------------------------
@pytest.fixture
def strict(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    return client


def test_text_of_an_older_page_can_be_sent_again(strict):
    answer = strict.post("/echo/", POSTED | {"csrfmiddlewaretoken": "old"}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403

    again = strict.post("/echo/", form_of(answer, "/echo/"))

    assert json.loads(again.content)[2]["body"] == [TEXT]


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_other_sites_cannot_have_their_text_sent(strict, headers):
    answer = strict.post("/echo/", POSTED, headers=headers)

    assert answer.status_code == 403
    assert "kept" not in answer.content.decode()
    assert "ECS" not in answer.content.decode()


# --- session, sign-out, the admin's own doors -----------------------------------------------------------------------------------
def test_sign_in_brings_back_what_the_person_chose(client, person):
    Preferences.objects.create(user=person, time_zone="Asia/Tokyo", theme="dark")

    signed_in_with(client, {"browser_time_zone": "Europe/Berlin"}, person)

    assert (client.session["time_zone"], client.session["theme"]) == ("Asia/Tokyo", "dark")
    assert 'data-theme="dark"' in client.get("/accounts/settings/").content.decode()


@pytest.mark.parametrize(("told", "zone"), [("Europe/Berlin", "Europe/Berlin"), ("Mars/Base", "UTC"), ("", "UTC")])
def test_who_chose_nothing_sees_the_browsers_zone(client, person, told, zone):
    signed_in_with(client, {"browser_time_zone": told}, person)

    assert client.session["time_zone"] == zone


def test_signing_out_takes_a_post(client, person):
    client.force_login(person)
    assert client.get("/accounts/logout/").status_code == 405

    answer = client.post("/accounts/logout/")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert "_auth_user_id" not in client.session


def signed_in(client) -> bool:
    """Whether a page knows who asks."""
    return client.get("/echo/").status_code == 200


def test_session_that_ran_out_ends_there(client, person):
    client.force_login(person)
    assert signed_in(client)

    Session.objects.update(expire_date=timezone.now())

    assert not signed_in(client)


def test_key_that_nobody_has_is_not_taken_over():
    session = SessionStore("chosen-by-somebody-else-0123")
    session["theme"] = "dark"
    session.save()

    assert session.session_key != "chosen-by-somebody-else-0123"
    assert SessionStore(session.session_key)["theme"] == "dark"


@pytest.mark.parametrize("what_happens", ["switched off", "gone", "another password"])
def test_person_is_out_at_the_next_request(client, person, what_happens):
    client.force_login(person)
    assert signed_in(client)

    if what_happens == "switched off":
        type(person).objects.filter(pk=person.pk).update(is_active=False)
    elif what_happens == "gone":
        person.delete()
    else:
        person.set_password("another one that is long")
        person.save()

    assert not signed_in(client)


def test_who_asks_costs_two_queries(client, person, django_assert_num_queries):
    client.force_login(person)

    with django_assert_num_queries(2):
        assert signed_in(client)


def test_admin_sends_to_the_one_sign_in(client):
    answer = client.get("/admin/login/?next=/admin/teams/team/")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/admin/teams/team/")


def test_admin_sends_nobody_elsewhere(client):
    assert client.get("/admin/login/?next=//evil.example/")["Location"] == "/accounts/login/?next=/admin/"


def test_words_of_a_reviewer_go_on_too(client, person):
    reviewer = a_user(team=person.memberships.get().team, role=Role.LEAD)
    page = f"/admin/teams/team/{person.memberships.get().team_id}/change/"
    sign_in = client.post(page, {"reason": "Which cluster?"})

    going_on = signed_in_with(client, form_of(sign_in, "/accounts/login/"), reviewer)

    assert form_of(going_on, page)["reason"] == ["Which cluster?"]


def test_admin_is_closed_to_agents_with_a_page_that_says_so(client, person):
    client.force_login(person)

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "for reviewers, leads and administrators" in answer.content.decode()


def test_password_is_changed_in_the_sites_own_look(client, person):
    client.force_login(person)
    new = "a better staple for horses"

    answer = client.post(
        "/accounts/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}, follow=True
    )

    person.refresh_from_db()
    assert person.check_password(new)
    assert "Your password is changed." in answer.content.decode()
