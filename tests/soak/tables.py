"""Copies of all rows, kept beside the tables and put back into them.

A copy of the whole database would do too, but after it SQLite compiles every statement anew, which took a tenth of an example.
"""

from __future__ import annotations

from django.db import connection, transaction


class Copy:
    """The rows of one moment, in a database of its own in memory."""

    def __init__(self, name: str) -> None:
        self._name = name
        sqlite = connection.connection
        sqlite.execute(f"ATTACH ':memory:' AS {name}")
        self._tables = [
            table for (table,) in sqlite.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
        ]
        for table in self._tables:
            sqlite.execute(f'CREATE TABLE {name}."copy_{table}" AS SELECT * FROM main."{table}" LIMIT 0')

    def take(self) -> None:
        self._replace(f'{self._name}."copy_{{}}"', 'main."{}"')

    def put_back(self) -> None:
        self._replace('main."{}"', f'{self._name}."copy_{{}}"')

    def _replace(self, rows: str, by: str) -> None:
        # Foreign keys are looked at when the transaction ends.
        with transaction.atomic():
            for table in self._tables:
                connection.connection.execute(f"DELETE FROM {rows.format(table)}")
                connection.connection.execute(f"INSERT INTO {rows.format(table)} SELECT * FROM {by.format(table)}")
