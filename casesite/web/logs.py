"""Log lines with their fields: `message key=value ...`."""

import logging

# `data` is Celery's: of a failed task, the traceback that the line shows anyway.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


class FieldFormatter(logging.Formatter):
    """Appends what was given in `extra`, so that ids stand on every line."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _OWN)
        return f"{line} {fields}" if fields else line
