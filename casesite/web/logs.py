"""Log lines with their ids, for people (`message key=value ...`) or for programs (a JSON object a line).

Which ids stand on every line of a piece of work is bound once, by `structlog.contextvars`; what a single line adds is given
in `extra`. CASESITE_LOG_FORMAT chooses the form.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

import structlog
from django.http import HttpRequest
from structlog.contextvars import get_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

# `data` is Celery's: of a failed task, the traceback that the line shows anyway.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
# Nothing logs these; should an exception's text or a library ever bring one along, it stops here.
_SECRET_NAMES = re.compile(
    r"secret|password|passwd|credential|authori[sz]ation|cookie|session_?token|private_?key", re.I
)
_SECRETS = re.compile(
    r"(?P<before>\w://)[^\s/@]*:[^\s/@]+(?P<after>@)"  # a password in an address
    r"|(?P<name>X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+",  # whoever has a presigned link may use it
    re.I,
)
# A path that somebody asked for may hold line breaks; it must not look like a line of ours.
_ON_ONE_LINE = {code: repr(chr(code))[1:-1] for code in (*range(32), 127, 0x85, 0x2028, 0x2029)}


def masked(text: str) -> str:
    """The text without passwords in addresses and without what makes a presigned link work."""
    return _SECRETS.sub(lambda found: f"{found['before'] or found['name']}***{found['after'] or ''}", text)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What is known of a line beside its message: the ids bound for this piece of work, then those of the line itself."""
    fields = get_contextvars() | {key: value for key, value in vars(record).items() if key not in _OWN}
    if isinstance(request := fields.get("request"), HttpRequest):  # Django's own loggers hand over the whole request
        del fields["request"]
        fields |= {"method": request.method, "path": request.path}  # not the query: people search for what they wrote
    return {key: "***" if _SECRET_NAMES.search(key) else value for key, value in fields.items()}


class FieldFormatter(logging.Formatter):
    """For people: the message, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = " ".join(f"{key}={value}".translate(_ON_ONE_LINE) for key, value in fields_of(record).items())
        return masked(f"{line} {fields}" if fields else line)


class JsonFormatter(ProcessorFormatter):
    """For programs: each line one JSON object with `time`, `level`, `logger`, `event` and the fields.

    A traceback is the text that Python prints, without the values of variables.
    """

    def __init__(self) -> None:
        super().__init__(
            processors=[
                _with_fields,
                structlog.processors.format_exc_info,
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_as_json),
            ]
        )


def _with_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    first: EventDict = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event["event"],
        "pid": record.process,
    }
    return {**first, **{key: value for key, value in fields_of(record).items() if key not in first}, **event}


def _as_json(event: EventDict, **_options: Any) -> str:
    return json.dumps(_masked_within(event), default=lambda value: masked(str(value)), ensure_ascii=False)


def _masked_within(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {str(key): _masked_within(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked_within(each) for each in value]
    return value
