"""Log lines carry their ids, in both forms, and no secret."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import RequestFactory
from structlog.contextvars import bound_contextvars

from casesite.web.logs import FieldFormatter, JsonFormatter
from casesite.web.server_logs import ServerLogger

ROOT = Path(__file__).resolve().parents[2]
FORMATS = {"console": FieldFormatter("%(levelname)s %(message)s"), "json": JsonFormatter()}


def line(form, message="case sent", *, exc_info=None, **fields):
    record = logging.getLogger("casesite.probe").makeRecord(
        "casesite.probe", logging.INFO, __file__, 1, message, (), exc_info, extra=fields
    )
    return FORMATS[form].format(record)


def as_json(*args, **fields):
    return json.loads(line("json", *args, **fields))


def test_line_for_people_has_its_fields_behind_the_message():
    assert line("console", case="CS-7GQ4-KM2X", attempt=2) == "INFO case sent case=CS-7GQ4-KM2X attempt=2"


def test_line_for_programs_is_one_json_object():
    text = line("json", "two\nlines “quoted”", case="CS-7GQ4-KM2X", attempt=2)

    told = json.loads(text)
    assert "\n" not in text
    assert {name: told[name] for name in ("level", "logger", "event", "case", "attempt")} == {
        "level": "info",
        "logger": "casesite.probe",
        "event": "two\nlines “quoted”",
        "case": "CS-7GQ4-KM2X",
        "attempt": 2,
    }
    assert told["time"].endswith("Z")


@pytest.mark.parametrize("form", FORMATS)
def test_ids_that_are_bound_stand_on_every_line(form):
    with bound_contextvars(request_id="r-12345678", submission="s-1"):
        within = line(form, submission="s-2")
    after = line(form)

    assert "r-12345678" in within
    assert ("s-2" in within, "s-1" in within) == (True, False)
    assert "r-12345678" not in after


def test_fields_do_not_take_the_place_of_the_line_itself():
    told = as_json(level="secret level", event="another", pid="mine", time="never")

    assert (told["level"], told["event"]) == ("info", "case sent")


def test_values_that_json_has_no_form_for_are_told_as_text():
    assert as_json(error=ValueError("no"), path=Path("/x"), queues={"urgent"})["error"] == "no"


def test_traceback_is_text_without_the_values_of_variables():
    password = "hunter" + "2"
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        told = as_json(exc_info=sys.exc_info(), case=password[:0])

    assert told["exception"].endswith("RuntimeError: broken")
    assert "hunter2" not in json.dumps(told)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("could not reach rediss://:hunter2@redis.example.com:6379/3", "hunter2"),
        ("postgresql://casesite:hunter2@db.example.com/casesite refused", "hunter2"),
        ("PUT https://a.example.com/part?X-Amz-Signature=5ec2e7&partNumber=1 failed", "5ec2e7"),
        ("GET https://a.example.com/?X-Amz-Security-Token=5ec2e7 failed", "5ec2e7"),
    ],
)
def test_secrets_in_a_text_are_masked(form, text, secret):
    in_message, in_field = line(form, text), line(form, error=ValueError(text), said=[text])
    try:
        raise ConnectionError(text)
    except ConnectionError:
        in_traceback = line(form, exc_info=sys.exc_info())

    assert secret not in in_message + in_field + in_traceback
    assert "***" in in_message


@pytest.mark.parametrize("form", FORMATS)
def test_fields_named_like_a_secret_are_masked(form):
    told = line(form, secret_access_key="hunter2", session_token="hunter2", Authorization="hunter2", token=7)

    assert "hunter2" not in told
    assert "7" in told


def test_address_without_a_password_is_told_whole():
    assert (
        as_json(url="https://db.example.com:5432/casesite@home")["url"] == "https://db.example.com:5432/casesite@home"
    )


def test_of_a_request_method_and_path_are_told_and_nothing_that_was_searched_for():
    told = as_json("Not Found", request=RequestFactory().get("/cases/", {"q": "confidential"}), status_code=404)

    assert (told["method"], told["path"], told["status_code"]) == ("GET", "/cases/", 404)
    assert "confidential" not in json.dumps(told)


def test_line_break_in_a_field_begins_no_line():
    told = line("console", "Not Found", request=RequestFactory().get("/cases/%0A2026-11-26 INFO all is well"))

    assert told == "INFO Not Found method=GET path=/cases/\\n2026-11-26 INFO all is well"


def test_server_writes_its_own_lines_in_the_same_form():
    from gunicorn.config import Config

    logger = ServerLogger(Config())

    assert [type(handler.formatter) for handler in logger.error_log.handlers] == [JsonFormatter]


@pytest.mark.parametrize(("form", "begins"), [("json", '{"time": "'), ("console", "20")])
def test_setting_chooses_the_form(tmp_path, form, begins):
    program = "import django, logging; django.setup(); logging.getLogger('casesite').error('told', extra={'case': 'C'})"
    environment = {
        "DJANGO_SETTINGS_MODULE": "casesite.settings",
        "CASESITE_VAR": str(tmp_path),
        "CASESITE_LOG_FORMAT": form,
    }

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.stderr.startswith(begins), done.stderr
    assert done.stderr.count("\n") == 1
