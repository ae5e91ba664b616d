"""The site's settings for a soak: one database in memory, and nothing that waits for the pace of calls."""

from tests.settings import *  # noqa: F403

DATABASES["default"] = {  # noqa: F405
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:",
    "OPTIONS": {"cached_statements": 1000},
}
GATE_RATE = 50


class _NoMigrations:
    """Tables straight from the models: running all migrations would take longer than the soak in `make test` may."""

    def __contains__(self, _app: str) -> bool:
        return True

    def __getitem__(self, _app: str) -> None:
        return None


MIGRATION_MODULES = _NoMigrations()
