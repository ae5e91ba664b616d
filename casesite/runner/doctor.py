"""What `manage.py doctor` looks at: each check says in words what it found, and what to do where something is wrong.

Checks only read. Those that need the tables are left out, and say so, where the database or its tables are not in order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min, Q
from django.urls import reverse

from casesite import celery, clock
from casesite.delivery import alarms, readiness
from casesite.delivery.models import Beat
from casesite.notices.models import Notice
from casesite.pacing.models import AccountGate, Circuit
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult

from . import parts

SHOWN = 5  # rows that a line names
PATIENCE = 5  # seconds for a database that does not answer
LETTER_TRIES = 4  # a letter that failed so often has waited for a quarter of an hour
OLDEST_POSTGRESQL = 150_000


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    text: str
    todo: str = ""


def examine() -> Iterator[Finding]:
    """Every check in turn."""
    for name, check in ALONE.items():
        yield from _made(name, check)
    in_order = True
    for name, check in DATABASE.items():
        for finding in _made(name, check) if in_order else ():
            in_order = in_order and finding.level != Level.WRONG
            yield finding
    if not in_order:
        yield Finding("the rest", Level.NOTE, "Nothing else was looked at: it stands in the database.")
        return
    for name, check in INSIDE.items():
        yield from _made(name, check)


def _made(name: str, check: "Check") -> Iterator[Finding]:
    """What a check found. One that breaks is a finding, and ends none of the others."""
    try:
        for level, text, todo in check():
            yield Finding(name, level, text, todo)
    except Exception as exc:
        yield Finding(name, Level.WRONG, f"It could not be looked at: {type(exc).__name__}: {exc}".strip(), "")


Said = tuple[Level, str, str]
Check = Callable[[], Iterator[Said]]


def _ok(text: str) -> Said:
    return Level.OK, text, ""


def _note(text: str, todo: str = "") -> Said:
    return Level.NOTE, text, todo


def _wrong(text: str, todo: str) -> Said:
    return Level.WRONG, text, todo


# --- without the database ---------------------------------------------------------------------------------------------------
def mode() -> Iterator[Said]:
    """Simulated or real, and nothing in live mode that is meant for demonstrations."""
    if settings.SANDBOX:
        yield _note(
            f"AWS is simulated ({settings.SANDBOX_URL}): no case reaches AWS.", "With CASESITE_AWS=live they do."
        )
    else:
        yield _ok("Live: cases go to AWS.")
        if settings.TIME_SCALE != 1:
            text = (
                f"CASESITE_TIME_SCALE={settings.TIME_SCALE:g} shortens the waits that keep a case from opening twice."
            )
            yield _wrong(text, "Leave it and CASESITE_TIME_SCALE_FORCED out, and start everything again.")
        if settings.DEBUG:
            yield _wrong("CASESITE_DEBUG shows settings and code to whoever meets an error.", "Leave it out.")


def configuration() -> Iterator[Said]:
    """Django's own checks and ours; those of deployment where cases are real."""
    found = [
        each
        for each in checks.run_checks(include_deployment_checks=not settings.SANDBOX)
        if each.level >= checks.ERROR or str(each.id).startswith("casesite.")
    ]
    for message in found:
        yield _wrong(f"{message.msg} ({message.id})", str(message.hint or "See `manage.py check`."))
    if not found:
        yield _ok("The settings fit together.")


def broker() -> Iterator[Said]:
    try:
        celery.check_broker()
    except Exception as exc:  # whatever it is, the broker is not there
        text = f"The broker does not answer ({type(exc).__name__}). Delivery goes on without it, about a minute later."
        yield _wrong(text, "Start it, or mend REDIS_URL. `manage.py up` starts one of its own.")
    else:
        yield _ok("The broker answers.")


def disk() -> Iterator[Said]:
    text = f"{readiness.disk_free() / 1e9:.1f} GB are left on the disk of {settings.VAR}."
    if readiness.disk_trouble():
        yield _wrong(text, "Make room: a full disk stops sending.")
    else:
        yield _ok(text)


# --- the database and its tables --------------------------------------------------------------------------------------------
def database() -> Iterator[Said]:
    """Reachable, and with the settings that a promise to AWS rests on."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"].setdefault("connect_timeout", PATIENCE)  # else it may wait for minutes
    elif connection.connection is None and not Path(name).exists():  # SQLite would make an empty one
        yield _wrong(
            f"There is no database yet: {name}.", "python manage.py migrate, or start the site by `manage.py up`."
        )
        return
    try:
        connection.ensure_connection()
    except DatabaseError as exc:
        yield _wrong(f"The database does not answer: {_first_line(exc)}", "Start it, or mend DATABASE_URL.")
        return
    if connection.vendor == "sqlite":
        yield from _sqlite(name)
    else:
        yield from _postgresql()


def _sqlite(name: Any) -> Iterator[Said]:
    journal, synchronous = _asked("PRAGMA journal_mode"), _asked("PRAGMA synchronous")
    if (journal, synchronous) != ("wal", 2):
        text = f"SQLite runs with journal_mode={journal} and synchronous={synchronous}, not with wal and 2 (FULL)."
        yield _wrong(text, "A power cut could send a case twice. Put the file on a local disk that can do WAL.")
    else:
        yield _ok(f"SQLite in {name}, with WAL and synchronous=FULL.")


def _postgresql() -> Iterator[Said]:
    version, commit, fsync = connection.pg_version, _asked("SHOW synchronous_commit"), _asked("SHOW fsync")  # type: ignore[attr-defined]
    yield _ok(f"PostgreSQL {version // 10_000} answers.")
    if version < OLDEST_POSTGRESQL:
        yield _wrong("This PostgreSQL is older than 15.", "Use 15 or newer.")
    if commit in ("off", "local"):
        yield _wrong(f"synchronous_commit is {commit}: a crash could send a case twice.", "Let nothing override `on`.")
    if fsync != "on":
        yield _wrong("fsync is off: a power cut could send a case twice.", "Switch it on in postgresql.conf.")


def migrations() -> Iterator[Said]:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        first = f"{pending[0][0].app_label}.{pending[0][0].name}"
        missing = _count(len(pending), "migration is", "migrations are")
        yield _wrong(f"{missing} not applied, the first is {first}.", "python manage.py migrate")
    else:
        yield _ok("All migrations are applied.")


# --- processes --------------------------------------------------------------------------------------------------------------
def sweeper() -> Iterator[Said]:
    if trouble := readiness.dispatcher_trouble():
        yield _wrong(
            _sentence(trouble), "python manage.py dispatcher; under `manage.py up` its output says why it ended."
        )
    else:
        yield _ok("The dispatcher makes its rounds.")


def workers() -> Iterator[Said]:
    """Those that beat, and whether each queue has one."""
    lively = Beat.objects.filter(role="worker", at__gt=clock.now() - readiness.DISPATCHER_LATE, stopped_at=None)
    served = {name for beat in lively for name in beat.queues.split(",")}
    missing = [name for name in parts.QUEUES.split(",") if name not in served]
    if missing:
        text = (
            f"No worker serves {', '.join(missing)}. The dispatcher sends in its place, slower; pages get no answers."
        )
        todo = f"python -m celery -A casesite worker -P threads -Q {','.join(missing)}; or start the site by `manage.py up`."
        yield _wrong(text, todo)
    else:
        yield _ok(f"{_count(len(lively), 'worker serves', 'workers serve')} every queue.")


def canary() -> Iterator[Said]:
    if trouble := readiness.canary_trouble():
        yield _wrong(_sentence(trouble), "Restart the worker: it may live and consume no more.")
    elif not Beat.objects.filter(role="canary").exists():
        yield _note("No queue was ever tried: the dispatcher does that every half minute.")
    else:
        yield _ok("Each queue answered the dispatcher's last bell, or has two minutes to.")


def clock_skew() -> Iterator[Said]:
    told = Beat.objects.filter(at__gt=clock.now() - readiness.DISPATCHER_LATE, clock_skew__isnull=False)
    off = [beat for beat in told if alarms.is_skewed(beat)]
    for beat in off:
        behind = "behind" if (beat.clock_skew or 0) > 0 else "ahead of"
        text = f"The clock of {beat.process} is {abs(beat.clock_skew or 0):.0f} s {behind} AWS's."
        yield _wrong(text, "Set it by NTP: AWS refuses requests that look too old.")
    if not told:
        yield _note("AWS has not told its time yet: nothing was sent lately.")
    elif not off:
        yield _ok("Clocks agree with AWS's.")


# --- accounts and rows ------------------------------------------------------------------------------------------------------
def accounts() -> Iterator[Said]:
    """Accounts that send nothing: stopped by what AWS answered, or found unfit by their check."""
    stopped = AccountGate.objects.exclude(circuit=Circuit.CLOSED).select_related("account").order_by("account__name")
    named = set()
    for gate in stopped:
        named.add(gate.account_id)
        what = f"{gate.api_name}, {gate.get_mode_display()}"
        text = f"{gate.account} is stopped ({what}) since {_at(gate.opened_at)}: {gate.last_error}"
        yield _wrong(text, f"Mend what it says, then `manage.py check_accounts {gate.account.account_id}`.")
    unfit = AwsAccount.objects.filter(active=True, check_result=CheckResult.BLOCKED).exclude(pk__in=named)
    for account in unfit:
        text = f"{account} can't send: {account.check_summary}"
        yield _wrong(text, f"Mend it, then `manage.py check_accounts {account.account_id}`.")
    if not named and not unfit:
        active = AwsAccount.objects.filter(active=True).count()
        yield _ok(f"{_count(active, 'account', 'accounts')} in use, and none is stopped.")


def waiting() -> Iterator[Said]:
    if late := alarms.late_accounts(clock.now()):
        names = ", ".join(str(account) for account in AwsAccount.objects.filter(pk__in=late[:SHOWN]))
        yield _wrong(
            f"Work has been due for five minutes and nobody took it: {names}.", "Are dispatcher and worker running?"
        )
    else:
        queued = Submission.objects.filter(state=State.QUEUED).count()
        yield _ok(f"{_count(queued, 'case waits', 'cases wait')} to go out, none too long.")


def needs_attention() -> Iterator[Said]:
    rows = Submission.objects.filter(state=State.NEEDS_ATTENTION)
    if count := rows.count():
        where = (
            f"{settings.URL}{reverse('admin:submissions_submission_changelist')}?state__exact={State.NEEDS_ATTENTION}"
        )
        text = f"{_count(count, 'case needs', 'cases need')} a person: {_references(rows)}."
        yield _wrong(text, f"A lead of the team decides: {where}")
    else:
        yield _ok("Nothing needs a person.")


def unknown() -> Iterator[Said]:
    """Lost answers that are being looked up; wrong where that takes too long."""
    rows = Submission.objects.filter(state=State.UNKNOWN)
    old = alarms.unknown_for_long(clock.now())
    if count := old.count():
        text = f"{_count(count, 'outcome has', 'outcomes have')} been unknown for half an hour: {_references(old)}."
        yield _wrong(text, "Can their accounts be read? `manage.py check_accounts`. A lead may take over.")
    elif count := rows.count():
        at = rows.aggregate(at=Min("due_at"))["at"]
        looked_up = _count(count, "outcome is", "outcomes are")
        yield _note(f"{looked_up} being looked up: {_references(rows)}. The next look is due at {_at(at)}.")
    else:
        yield _ok("No outcome is unknown.")


def letters() -> Iterator[Said]:
    if not settings.MAIL:
        text = "No mail server is set: leads find on the pages alone what waits for them."
        yield _note(text, "CASESITE_MAIL_URL names one.")
        return
    stuck = Notice.objects.filter(Q(next_try_at__isnull=False), tries__gte=LETTER_TRIES).count()
    if stuck:
        yield _wrong(
            f"The mail server has not taken {_count(stuck, 'letter', 'letters')}.",
            "See CASESITE_MAIL_URL and the dispatcher's log.",
        )
    else:
        yield _ok("No letter is stuck.")


ALONE: dict[str, Check] = {
    "mode": mode,
    "settings": configuration,
    "disk": disk,
    "broker": broker,
}
DATABASE: dict[str, Check] = {"database": database, "migrations": migrations}
INSIDE: dict[str, Check] = {
    "dispatcher": sweeper,
    "workers": workers,
    "canary": canary,
    "clock": clock_skew,
    "accounts": accounts,
    "queue": waiting,
    "needs a person": needs_attention,
    "unknown": unknown,
    "letters": letters,
}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _asked(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def _references(rows: Any) -> str:
    found = list(rows.order_by("submitted_at").values_list("case__reference", flat=True)[: SHOWN + 1])
    return ", ".join(found[:SHOWN]) + (", …" if len(found) > SHOWN else "")


def _at(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else "an unknown time"


def _first_line(exc: BaseException) -> str:
    return str(exc).strip().partition("\n")[0]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
