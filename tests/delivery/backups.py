"""A backup of the test's database, taken and restored while AWS goes on: of SQLite the whole file, page by page."""

import sqlite3
from typing import Any

from django.core.management import call_command
from django.db import connection

from casesite.submissions import marker


class Backup:
    """Taken when it is made. Only in tests with `transaction=True`: within a transaction nothing can be copied."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._copy: Any = None
        if connection.vendor == "sqlite":
            self._copy = sqlite3.connect(":memory:")
            connection.connection.backup(self._copy)
        else:
            self._copy = connection.creation.serialize_db_to_string()

    def restore(self) -> None:
        """Put the database back to what it was; whatever happened since is forgotten here, and nowhere else."""
        if connection.vendor == "sqlite":
            self._copy.backup(connection.connection)
            self._copy.close()
        else:
            # All rows come from the backup, content types too. Sequences go on, so that no key is given twice.
            options = {"inhibit_post_migrate": True, "reset_sequences": False}
            call_command("flush", interactive=False, verbosity=0, **options)
            connection.creation.deserialize_db_from_string(self._copy)
        marker._key.cache_clear()  # a new process has read nothing yet
