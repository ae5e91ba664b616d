"""The site's settings, and a process that leaves a byte in a file for each statement to the database, transactions' own aside
(BENCH_STATEMENTS names the file), or for each transaction that is begun to write (BENCH_WRITES).
"""

import os

from django.db.backends.signals import connection_created

from casesite.settings import *  # noqa: F403

_files = {
    kind: os.open(os.environ[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for kind, name in (("statements", "BENCH_STATEMENTS"), ("writes", "BENCH_WRITES"))
    if name in os.environ
}


def _count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
    kind = "writes" if sql.startswith("BEGIN") else "statements"
    if kind in _files:
        os.write(_files[kind], b".")
    return execute(sql, params, many, context)


def _watch(connection, **_more):  # type: ignore[no-untyped-def]
    connection.execute_wrappers.append(_count)


connection_created.connect(_watch, weak=False)
