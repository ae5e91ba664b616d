"""The Celery application. Messages are doorbells: they say which account has work and carry nothing else."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")

app = Celery("casesite")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Else Celery's Django fixup opens the database anew for each bell, which costs more than an empty bell does. What is broken
# or too old is dropped by delivery/tasks.py. Not one of Celery's own settings: the fixup reads it by this name.
app.conf["CELERY_DB_REUSE_MAX"] = 10**9
app.autodiscover_tasks()
app.set_default()


@setup_logging.connect
def keep_the_sites_logging(**_kwargs: object) -> None:
    """Without this Celery sets its own level, WARNING, and the log lacks the case id that AWS just answered."""


def check_broker() -> None:
    """Raise unless the broker answers within a second. On a connection of its own: a pooled one may be long dead."""
    with app.connection_for_write(transport_options={"socket_timeout": 1}) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, reraise_as_library_errors=False)
        if client := getattr(connection.default_channel, "client", None):  # that of files has none
            client.ping()
