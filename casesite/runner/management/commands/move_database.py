"""`manage.py move_database postgresql://…`: move the stopped site from its database into an empty PostgreSQL."""

from typing import Any

import environ
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from casesite import settings as site_settings
from casesite.runner import moving, record


class Command(BaseCommand):
    help = (
        "Moves all rows into a PostgreSQL that `migrate` has prepared and nobody has used, compares each table, and puts a "
        "SQLite file aside. The site has to be stopped. Moves nothing where anything is not as it should be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="of the new database, as DATABASE_URL will have it")

    def handle(self, *args: Any, **options: Any) -> None:
        if record.is_held(settings.VAR):
            raise CommandError(f"`manage.py up` runs on {settings.VAR}: stop it first")
        try:
            target = site_settings.database(options["address"])
        except (environ.ImproperlyConfigured, ValueError) as exc:
            raise CommandError(f"that is no address of a database: {exc}") from exc
        connections.settings[moving.TARGET] = connections.configure_settings({"default": target})["default"]
        try:
            tables = moving.move(self.stdout.write)
        except moving.Refused as exc:
            raise CommandError(str(exc)) from exc
        finally:
            connections[moving.TARGET].close()
        rows = sum(table.rows for table in tables)
        self.stdout.write(f"all {len(tables)} tables arrived as they were, {rows} rows together")
        if aside := moving.put_away(connections[moving.SOURCE]):
            self.stdout.write(f"the old database is {aside.name} now; it is no site any more")
        self.stdout.write("set DATABASE_URL for every process of the site, keep CASESITE_VAR, and start it")
