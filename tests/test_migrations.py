"""Migrations only add: while a version is rolled out, workers of the one before go on working on the new tables.

What takes something away says so by `removes = "who stopped using it, in which release"` in its Migration class.
"""

import pytest
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED, CharField, ManyToManyField

TAKING_AWAY = (
    operations.RemoveField,
    operations.DeleteModel,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
)
# Written before the first release: no version in use was ever without their columns.
OLDER = {
    "catalog.0003_domain_settings",
    "catalog.0004_people_of_domains",
    "pacing.0002_dry_runs_off",
    "teams.0003_account_connect_regions",
    "teams.0007_account_first_response",
}


def ours():
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
    found = [migration for migration in migrations if type(migration).__module__.startswith("casesite.")]
    return sorted((migration for migration in found if str(migration) not in OLDER), key=str)


def harms(migration):
    """What old code would stumble over."""
    made = {operation.name_lower for operation in migration.operations if isinstance(operation, operations.CreateModel)}
    for operation in migration.operations:
        if isinstance(operation, TAKING_AWAY) and not getattr(migration, "removes", ""):
            yield operation.describe()
        if isinstance(operation, operations.AddField) and operation.model_name_lower not in made:
            field = operation.field
            filled = field.null or field.db_default is not NOT_PROVIDED or isinstance(field, ManyToManyField)
            if not filled:
                yield f"{operation.describe()}: neither null nor db_default, so old code can't insert rows"


def test_the_rule_sees_what_takes_away_and_what_old_code_cannot_fill():
    class Taking(Migration):
        operations = [
            operations.RemoveField("case", "reference"),
            operations.AddField("case", "colour", CharField(default="red", max_length=9)),
            operations.AddField("case", "shape", CharField(db_default="round", default="round", max_length=9)),
        ]

    assert [harm.partition(":")[0] for harm in harms(Taking("taking", "cases"))] == [
        "Remove field reference from case",
        "Add field colour to case",
    ]
    Taking.removes = "nothing has read it since 1.4"
    assert len(list(harms(Taking("taking", "cases")))) == 1


@pytest.mark.parametrize("migration", ours(), ids=str)
def test_a_migration_leaves_the_version_before_working(migration):
    assert list(harms(migration)) == []
