"""The least that a worker can be: a Celery task that calls AWS and stores the id in one row.

python -m bench.bare <accounts> <cases for each>     writes the rows and publishes the tasks
"""

import os
import sys
from functools import cache
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")

from celery import Celery

from bench.fill import FIRST_ACCOUNT

app = Celery("bare")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf["CELERY_DB_REUSE_MAX"] = 10**9  # a connection is kept, as the site's workers keep theirs
QUEUE = "bare"


@app.task(name="bench.send", ignore_result=True)
def send(note: int, account: int) -> None:
    from bench.comparison.models import Note
    from bench.pool import REQUEST

    Note.objects.filter(pk=note).update(body=_client(account).create_case(**REQUEST)["caseId"])


@cache
def _client(account: int) -> Any:
    from django.conf import settings

    from bench.pool import CONFIG, client_of

    return client_of(_session(), "support", settings.SANDBOX_URL, account, CONFIG)


@cache
def _session() -> Any:
    import boto3

    return boto3.Session()


def publish(accounts: int, cases: int) -> None:
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.utils import timezone

    from bench.comparison.models import Note

    if Note._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Note)
    author = get_user_model().objects.get(username="author")
    for number in range(accounts * cases):
        note = Note.objects.create(author=author, subject=f"Case {number}", body="", at=timezone.now())
        send.apply_async((note.pk, FIRST_ACCOUNT + number % accounts), queue=QUEUE)


if __name__ == "__main__":
    publish(int(sys.argv[1]), int(sys.argv[2]))
