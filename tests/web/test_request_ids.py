"""Every request has an id: in its answer, on every line that is logged for it, and on the page of an error."""

import logging

import pytest
from django.urls import include, path

from casesite.web.logs import fields_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
OF_A_PROXY = "Root=1-67891233-abcdef012345678912345678"


def fault(request):
    logging.getLogger("casesite.probe").warning("on the way")
    raise RuntimeError("broken")


urlpatterns = [path("fault/", fault), path("", include("casesite.urls"))]
handler500 = "casesite.web.views.server_error"


def test_each_answer_has_an_id_of_its_own(client):
    first, second = (client.get("/accounts/login/").headers["X-Request-ID"] for _ in range(2))

    assert len(first) == len(second) == 32
    assert first != second


def test_lines_of_a_request_and_the_page_of_an_error_name_its_id(client):
    client.raise_request_exception = False
    told = []

    class Keeps(logging.Handler):
        def emit(self, record):
            told.append((record.name, fields_of(record).get("request_id")))

    handler = Keeps()
    loggers = [logging.getLogger(name) for name in ("casesite.probe", "django.request")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        answer = client.get("/fault/")
    finally:
        for logger in loggers:
            logger.removeHandler(handler)

    request_id = answer.headers["X-Request-ID"]
    assert told == [("casesite.probe", request_id), ("django.request", request_id)]
    assert request_id in answer.content.decode()


def test_id_of_a_trusted_proxy_is_kept(client, settings):
    settings.AXES_IPWARE_PROXY_COUNT = 1

    answer = client.get("/accounts/login/", headers={"x-request-id": OF_A_PROXY})

    assert answer.headers["X-Request-ID"] == OF_A_PROXY


@pytest.mark.parametrize(
    ("proxies", "sent"), [(0, OF_A_PROXY), (1, "short"), (1, 'with blanks and "quotes"'), (1, "x" * 129)]
)
def test_other_ids_are_not_believed(client, settings, proxies, sent):
    settings.AXES_IPWARE_PROXY_COUNT = proxies

    answer = client.get("/accounts/login/", headers={"x-request-id": sent})

    assert len(answer.headers["X-Request-ID"]) == 32
