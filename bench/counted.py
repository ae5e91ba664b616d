"""The site's settings, and each statement to the database, transactions' own aside, leaves a byte in the file that BENCH_STATEMENTS names."""

import os

from django.db.backends.signals import connection_created

from casesite.settings import *  # noqa: F403

_file = os.open(os.environ["BENCH_STATEMENTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
    if not sql.startswith("BEGIN"):
        os.write(_file, b".")
    return execute(sql, params, many, context)


def _watch(connection, **_more):  # type: ignore[no-untyped-def]
    connection.execute_wrappers.append(_count)


connection_created.connect(_watch, weak=False)
