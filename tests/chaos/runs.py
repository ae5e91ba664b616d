"""One run: a site is filled with work and harmed, comes to rest, and is held against AWS."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from casesite.runner.parts import ROOT
from tests.chaos import plans, truth
from tests.chaos.databases import Database, NamedPostgres, Postgres, Sqlite
from tests.chaos.havoc import Havoc
from tests.chaos.lies import Liar
from tests.chaos.people import Crowd
from tests.chaos.places import DISPATCHERS, WORKERS, Place, find_faketime
from tests.e2e.office import ADD_ACCOUNTS

CALM = 300.0  # seconds after the last harm in which at least one more must find its end, until all have
AUTHORS, REVIEWERS = 4, 3
PROGRESS_EVERY = 10.0
PREPARED_WITHIN = 1800.0  # seconds, on a machine that does much else
HARMED = 0.8  # of all submissions have found their end before the harm does
ROOMY = 1000  # cases an hour in accounts whose hour is not to be the matter
LONG = 1000  # submissions from which calls hang for longer than the SDK's read time-out of 30 s
SHORT_HANG, LONG_HANG = 4.0, 33.0  # seconds

# Run inside the site beside ADD_ACCOUNTS.
CHECK_ACCOUNTS = """
from django.core.management import call_command
from casesite.catalog.models import CasesDomain
for account_id, instance_arn in {instances}.items():
    may_tag = account_id not in {untagged}
    CasesDomain.objects.filter(account__account_id=account_id).update(instance_arn=instance_arn, may_tag=may_tag)
call_command("check_accounts", *{numbers}, verbosity=0)
"""
DESKS = """
    SELECT a.account_id, a.id, t.id AS template FROM teams_awsaccount a
    LEFT JOIN catalog_casesdomain d ON d.account_id = a.id LEFT JOIN catalog_connecttemplate t ON t.domain_id = d.id
"""


@dataclass(frozen=True)
class Options:
    database: str = "sqlite"  # sqlite, postgres (a cluster of our own), or the address of a server
    seed: int = 1
    submissions: int = 2000
    kills: int = 200
    minutes: float = 90
    time_scale: float = 60
    mutation: str = ""
    keep: str = ""  # a folder for the site's data and logs, which is left


@dataclass
class Report:
    """What a run did and found. Words and JSON are made of it."""

    options: dict[str, Any]
    machine: dict[str, Any]
    commit: str
    started_at: str
    database: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    submitted: int = 0
    approved: int = 0
    with_files: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    calls_share: float = 0.0  # of CreateCase calls that went wrong
    pressed_again: int = 0
    sent_again_by_lead: int = 0
    ended_by_themselves: list[str] = field(default_factory=list)
    shortfalls: list[str] = field(default_factory=list)  # what was asked for and not reached
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def findings(self) -> dict[str, list[str]]:
        return dict(self.truth["findings"]) if self.truth else {}

    @property
    def passed(self) -> bool:
        return bool(self.truth) and not any(self.findings.values()) and not self.shortfalls

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"passed": self.passed}, indent=1, default=str)

    def as_words(self) -> str:
        found = self.findings
        counts = ", ".join(f"{len(found.get(name, []))} {name}" for name in ("lost", "doubled", "stuck", "unexplained"))
        broken = (
            f"{len(found['invariants'])} breaches of invariants" if found.get("invariants") else "all invariants hold"
        )
        lines = [
            f"{self.submitted} submissions ({self.with_files} with files), {self.approved} seen approved, on {self.database}",
            f"{sum(self.kills.values())} kills: {_listed(self.kills)}",
            f"also: {_listed(self.others)}",
            f"{sum(self.calls.values())} calls met the dice; of the calls to open a case {self.calls_share:.0%} went wrong",
            f"{self.truth.get('requests')} requests to open a case, {self.truth.get('other_requests')} to add to one;"
            f" cases at AWS: {_listed(self.truth.get('cases_at_aws', {}))},"
            f" with those of Connect: {_listed(self.truth.get('items_at_aws', {}))}",
            *(
                f"{kind}: ended as {_listed(states)}; attempts {_listed(self.truth['attempts'].get(kind, {}))}"
                for kind, states in self.truth.get("states", {}).items()
            ),
            f"a lead sent again {self.sent_again_by_lead} times; people pressed again {self.pressed_again} times",
            f"{self.seconds.get('active', 0):.0f} s of harm, calm after {self.seconds.get('calm', 0):.0f} s more",
        ]
        if self.ended_by_themselves:
            lines.append(f"processes that ended by themselves: {'; '.join(self.ended_by_themselves)}")
        lines += [f"NOT REACHED: {each}" for each in self.shortfalls]
        lines += [f"{name.upper()}: {each}" for name, sentences in found.items() for each in sentences[:20]]
        lines.append(f"{'PASSED' if self.passed else 'FAILED'}: {counts}; {broken}")
        return "\n".join(lines)


def run(options: Options, say: Callable[[str], None] = print) -> Report:
    """The whole run; call it from the main thread."""
    report = Report(asdict(options), _machine(), _commit(), datetime.now(UTC).isoformat(timespec="seconds"))
    var = Path(options.keep or tempfile.mkdtemp(prefix="casesite-chaos-"))
    var.mkdir(parents=True, exist_ok=True)
    database = _database(options.database, var)
    report.database = database.name
    say(f"seed {options.seed} on {database.name}, {var}")
    if find_faketime() is None:
        say("libfaketime is not there: no clock is stepped (Debian and Ubuntu: apt-get install libfaketime)")
    place: Place | None = None
    try:
        place = Place.prepare(var, database, options.time_scale, mutation=options.mutation)
        _Run(options, place, report, say).go()
    finally:
        if place:
            place.stop()
        database.stop()
        if not options.keep:
            shutil.rmtree(var, ignore_errors=True)
    return report


class _Run:
    def __init__(self, options: Options, place: Place, report: Report, say: Callable[[str], None]) -> None:
        self.options, self.place, self.report, self.say = options, place, report, say
        self.accounts, self.plan = plans.draw(options.seed, options.submissions)
        self.havoc = Havoc(place, options.seed, options.kills)
        self._last_word = 0.0

    def go(self) -> None:
        began = time.monotonic()
        desks = self._furnish()
        before = max((request["id"] for request in self.place.sandbox.requests()), default=0)
        for role in (*WORKERS, *DISPATCHERS):
            self.havoc.launch(role)
        self.place.start_part("web")
        self.havoc.starts["web"] += 1
        self.havoc._born["web"] = time.monotonic()
        hang = LONG_HANG if self.options.submissions >= LONG else SHORT_HANG
        liar = Liar(
            self.place.sandbox, self.accounts, self.options.seed, late=300 / self.place.time_scale, longest_hang=hang
        )
        crowd = Crowd(self.place.url, self.place.sign_ins, self.plan, desks, self.options.seed)
        liar.start()
        crowd.start(authors=AUTHORS, reviewers=REVIEWERS)
        ready = time.monotonic()
        try:
            self._harm(crowd)
        finally:
            self.havoc.become_calm()
            liar.stop()
        harmed = time.monotonic()
        self._await_calm(crowd)
        calm = time.monotonic()
        crowd.stop()
        self._write_down(crowd, liar)
        self.report.seconds = {"furnishing": ready - began, "active": harmed - ready, "calm": calm - harmed}
        held = truth.hold(self.place, self.accounts, crowd.submitted, crowd.approved, since=before)
        self.report.truth = asdict(held)

    def _furnish(self) -> dict[str, plans.Desk]:
        """Accounts with their limits on both sides, and how AWS behaves; returns where their forms are."""
        sandbox = self.place.sandbox
        sandbox.settings(part_size=20_000, visible_after=60.0, connect_rates={"*": [1000, 1000]})
        for account in self.accounts:
            limits = {} if account.tight else {"cases_per_hour": ROOMY}
            denied = ["support:UploadAttachment"] if account.in_sets else []
            sandbox.account(account.account_id, denied=denied, **limits)
        domains = {each.account_id: plans.CONNECT.furnish(sandbox, each) for each in self.accounts if each.connect}
        alike: dict[tuple[bool, bool], list[str]] = defaultdict(list)
        for account in self.accounts:
            alike[account.tight, account.connect].append(account.account_id)
        code = ""
        for (tight, connect), numbers in alike.items():
            options: dict[str, Any] = {} if tight else {"cases_per_hour": ROOMY, "reserve": 0}
            code += ADD_ACCOUNTS.format(
                numbers=numbers, options=options | ({"region": [plans.REGION]} if connect else {})
            )
        given = {
            "numbers": [account.account_id for account in self.accounts],
            "untagged": [account.account_id for account in self.accounts if account.untagged],
            "instances": {account_id: domain.instance_arn for account_id, domain in domains.items()},
        }
        code += CHECK_ACCOUNTS.format(**given)
        self.place.manage("shell", "--verbosity", "0", "-c", code, seconds=PREPARED_WITHIN)
        sandbox.settings(connect_rates=None)  # AWS's documented ones from here on
        return {
            row["account_id"]: plans.Desk(row["id"], row["template"], domains.get(row["account_id"]))
            for row in self.place.rows(DESKS)
        }

    def _harm(self, crowd: Crowd) -> None:
        """Until all is handed in and most of it has found its end: the last ones wait for looks and hours, whatever happens."""
        give_up = time.monotonic() + self.options.minutes * 60
        settled, counted_at = 0, 0.0
        while time.monotonic() < give_up and not crowd.troubles:
            if time.monotonic() - counted_at > 0.5:
                settled, counted_at = self._settled(settled), time.monotonic()
            self.havoc.step((len(crowd.submitted) + settled) / (2 * max(1, crowd.total)))
            if self.havoc.killed >= self.options.kills and settled >= HARMED * crowd.total:
                return
            self._tell(crowd, f"{settled} at their end")
            time.sleep(0.05)

    def _settled(self, before: int) -> int:
        """How many have been brought to AWS or refused by it."""
        try:
            sql = "SELECT COUNT(*) AS n FROM submissions_submission WHERE state IN ('delivered', 'failed')"
            return int(self.place.rows(sql)[0]["n"])
        except Exception:  # a database that just restarts
            return before

    def _await_calm(self, crowd: Crowd) -> None:
        """Until nothing moves; late calls have come to AWS by then too."""
        self.say("no more harm; waiting for calm")
        least, give_up = crowd.total + 1, 0.0
        not_before = time.monotonic() + 8
        while True:
            self.havoc._do_later()
            self.havoc._mourn()
            left = truth.unsettled(self.place)
            if sum(left.values()) < least:
                least, give_up = sum(left.values()), time.monotonic() + CALM
            if (not left and time.monotonic() > not_before) or time.monotonic() > give_up:
                return
            self._tell(crowd, _listed(left))
            time.sleep(0.5)

    def _tell(self, crowd: Crowd, more: str = "") -> None:
        now = time.monotonic()
        if now - self._last_word > PROGRESS_EVERY:
            self._last_word = now
            self.say(
                f"{len(crowd.submitted)} submitted, {len(crowd.approved)} approved,"
                f" {self.havoc.killed} kills, {self.havoc.others.total()} other events{'; ' + more if more else ''}"
            )

    def _write_down(self, crowd: Crowd, liar: Liar) -> None:
        report = self.report
        report.submitted, report.approved = len(crowd.submitted), len(crowd.approved)
        report.with_files = sum(bool(planned.files) for planned in crowd.submitted)
        report.kills, report.others = dict(self.havoc.kills), dict(self.havoc.others)
        report.calls = dict(liar.by_name)
        report.calls_share = _share_gone_wrong(report.calls)
        report.pressed_again, report.sent_again_by_lead = crowd.presses_again, len(crowd.sent_again)
        report.ended_by_themselves = self.havoc.ended
        report.shortfalls += crowd.troubles
        if self.havoc.killed < self.options.kills:
            report.shortfalls.append(f"{self.havoc.killed} of {self.options.kills} kills")
        if len(crowd.submitted) < crowd.total:
            report.shortfalls.append(f"{len(crowd.submitted)} of {crowd.total} submissions")


def _share_gone_wrong(calls: dict[str, int]) -> float:
    """Of the real calls to open a case: each meets the dice before it is carried out, and one that was once more after it."""
    openings = {f"{kind.operation}: " for kind in plans.KINDS.values()}
    ours = {name: number for name, number in calls.items() if any(name.startswith(each) for each in openings)}
    asked = sum(number for name, number in ours.items() if name.endswith(" before"))
    wrong = sum(number for name, number in ours.items() if ": ok " not in name)
    return wrong / asked if asked else 0.0


def _database(name: str, var: Path) -> Database:
    if name == "sqlite":
        return Sqlite(var)
    return Postgres.start(hasty=False) if name == "postgres" else NamedPostgres(name)


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "faketime": find_faketime() is not None,
        "command": " ".join(["python", "-m", "tests.chaos", *sys.argv[1:]]),
    }


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _listed(counts: dict[str, int]) -> str:
    return (
        ", ".join(f"{number} {name}" for name, number in sorted(counts.items(), key=lambda each: -each[1])) or "nothing"
    )
