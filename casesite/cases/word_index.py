"""The index of the words of cases, as each database keeps it.

SQLite: a full-text table of its own, kept up by triggers. Django alters a table there by making it anew, which loses its
triggers; so they are looked after at the end of each `migrate`. PostgreSQL: an index on an expression.
"""

from typing import Any

from django.db import connection

TEAM = "\ue000"  # before the number of a case's team among its words there: nobody types it
# Words are parted by blanks alone: every sign is as good as a letter.
_SIGNS = "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum()).replace("'", "''''")
_TABLE = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS cases_word USING fts5(
    words, content='', columnsize=0, detail='none', tokenize='ascii tokenchars ''{_SIGNS}'''
)
"""
_ADD = f"INSERT INTO cases_word(rowid, words) VALUES (new.id, new.words || ' {TEAM}' || new.team_id);"
_REMOVE = f"INSERT INTO cases_word(cases_word, rowid, words) VALUES ('delete', old.id, old.words || ' {TEAM}' || old.team_id);"
_TRIGGERS = {
    "cases_word_added": f"AFTER INSERT ON cases_case BEGIN {_ADD} END",
    "cases_word_removed": f"AFTER DELETE ON cases_case BEGIN {_REMOVE} END",
    "cases_word_changed": "AFTER UPDATE OF words, team_id ON cases_case"
    f" WHEN old.words IS NOT new.words OR old.team_id IS NOT new.team_id BEGIN {_REMOVE} {_ADD} END",
}
_POSTGRES = (
    f"""
    CREATE OR REPLACE FUNCTION cases_words(words text, team_id bigint) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 100 AS
    $$ SELECT array_to_tsvector(string_to_array(ltrim(words || ' {TEAM}') || team_id, ' ')) $$
    """,
    # A short list of what is not sorted in yet: each search reads through it.
    "CREATE INDEX cases_words ON cases_case USING gin (cases_words(words, team_id)) WITH (gin_pending_list_limit = 256)",
)


def create(apps: Any, editor: Any) -> None:
    """Make the index of what there is. For a migration."""
    with editor.connection.cursor() as cursor:
        if editor.connection.vendor == "sqlite":
            cursor.execute(_TABLE)
            take_up(cursor)
            _make_triggers(cursor)
        else:
            for statement in _POSTGRES:
                cursor.execute(statement)


def take_up(cursor: Any) -> None:
    """Fill SQLite's empty index with the words of all cases."""
    cursor.execute(f"INSERT INTO cases_word(rowid, words) SELECT id, words || ' {TEAM}' || team_id FROM cases_case")


def remove(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        if editor.connection.vendor == "sqlite":
            for name in _TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute("DROP TABLE cases_word")
        else:
            cursor.execute("DROP INDEX cases_words")
            cursor.execute("DROP FUNCTION cases_words(text, bigint)")


def look_after(**_kwargs: Any) -> None:
    """Make triggers that were lost with an altered table. After each `migrate`."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name = 'cases_word' OR type = 'trigger'")
        there = {name for (name,) in cursor.fetchall()}
        if "cases_word" in there and not there.issuperset(_TRIGGERS):
            _make_triggers(cursor)


def _make_triggers(cursor: Any) -> None:
    for name, what in _TRIGGERS.items():
        cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {what}")
