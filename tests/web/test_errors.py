"""What goes wrong is told in the site's own frame."""

import logging

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.urls import include, path

from casesite.web import topbar
from tests.factories import a_team, a_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

FAULTS = {
    400: SuspiciousOperation("bent"),
    403: PermissionDenied("Nobody reviews what they wrote themselves."),
    404: Http404(),
    500: RuntimeError("hunter2"),
}


def fault(request, code):
    raise FAULTS[code]


urlpatterns = [path("fault/<int:code>/", fault), path("", include("casesite.urls"))]
handler400, handler500 = "casesite.web.views.bad_request", "casesite.web.views.server_error"


@pytest.fixture(autouse=True)
def told_not_thrown(client):
    client.raise_request_exception = False


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        (400, "That request can&#x27;t be read"),
        (403, "You may not do that"),
        (404, "There is nothing here"),
        (500, "Something broke on our side"),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_error_is_a_page_of_the_site(client, code, heading, signed_in):
    if signed_in:
        client.force_login(a_user("m.silva", team=a_team()))

    answer = client.get(f"/fault/{code}/")
    html = answer.content.decode()

    assert answer.status_code == code
    assert heading.replace("&#x27;", "'") in html.replace("&#x27;", "'")
    assert html.count("<h1>") == 1
    assert ("m.silva" in html) is signed_in
    assert "hunter2" not in html


def test_refusal_tells_its_reason(client):
    assert "Nobody reviews what they wrote themselves." in client.get("/fault/403/").content.decode()


def test_error_is_told_bare_where_the_frame_breaks_too(client, monkeypatch, caplog):
    def broken(request):
        raise RuntimeError("the frame")

    monkeypatch.setattr(topbar, "_notices", [broken])
    client.force_login(a_user(team=a_team()))

    with caplog.at_level(logging.CRITICAL):
        answer = client.get("/fault/500/")

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_unknown_host_is_a_bad_request(client):
    answer = client.get("/accounts/login/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()
