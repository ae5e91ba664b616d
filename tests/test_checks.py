"""System checks say what is wrong with a configuration, and nothing about a sound one."""

import pytest

from casesite import checks


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:6379/0", []),
        ("rediss://:secret@broker.example.com/2", []),
        ("filesystem://", []),
        ("sqla+sqlite:///x", ["casesite.E001"]),
        ("amqp://guest@localhost//", ["casesite.E001"]),
    ],
)
def test_only_brokers_that_were_tried_are_taken(settings, url, said):
    settings.CELERY_BROKER_URL = url

    assert ids(checks.broker_is_known()) == said


@pytest.mark.parametrize(
    ("secure", "header", "said"),
    [
        (False, None, []),
        (True, ("HTTP_X_FORWARDED_PROTO", "https"), []),
        (True, None, ["casesite.W002"]),
    ],
)
def test_https_without_a_proxy_is_a_redirect_without_end(settings, secure, header, said):
    settings.SECURE = secure
    settings.SECURE_PROXY_SSL_HEADER = header

    assert ids(checks.proxy_is_named()) == said


@pytest.mark.parametrize(("scale", "sandbox", "said"), [(1, False, []), (60, True, []), (60, False, ["casesite.W003"])])
def test_shortened_times_are_named_where_cases_are_real(settings, scale, sandbox, said):
    settings.TIME_SCALE = scale
    settings.SANDBOX = sandbox

    assert ids(checks.times_are_not_shortened()) == said


@pytest.mark.parametrize(
    ("command", "said"),
    [([], []), (["sh", "-c", "exit 0"], []), (["/nowhere/clamdscan", "--fdpass"], ["casesite.W004"])],
)
def test_scanner_that_is_not_there_is_named(settings, command, said):
    settings.SCAN_COMMAND = command

    assert ids(checks.scanner_is_there()) == said
