"""gunicorn's own lines in the same form as the site's: `gunicorn --logger-class casesite.web.server_logs.ServerLogger`."""

from typing import Any

from gunicorn.glogging import Logger

from .logs import JsonFormatter


class ServerLogger(Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonFormatter())
