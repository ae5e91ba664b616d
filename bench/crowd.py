"""Very many cases with all that belongs to them, written past the ORM: as many as a site has after years.

Made of few subjects, so that words are common or rare as in life; the last rows of any number are in every state.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

TEAMS, ACCOUNTS, AUTHORS = 4, 20, 40
SUBJECTS = (
    "RDS failover took 11 minutes",
    "Lambda times out in eu-west-1",
    "EC2 instance is slow since the deployment",
    "Access denied to a bucket that worked before",
    "Certificate expired, VPN tunnel is down",
    "東京リージョンでデータベースに接続できない",
    "請求書の金額が違う",
    "Raise the limit of volumes",
)
RARE = ("quetzal", "𠮷野家", "Überlauf")  # in so many cases, evenly over all:
RARE_CASES = 80
SEVERITIES = ("critical",) + ("urgent",) * 4 + ("high",) * 15 + ("normal",) * 50 + ("low",) * 30
SERVICE = "billing"
# What becomes of cases, by stage, state and reason, in a hundred.
FATES = (
    (("open", "delivered", ""), 42),
    (("resolved", "delivered", ""), 25),
    (("outgoing", "pending_review", ""), 20),
    (("draft", None, ""), 4),
    (("draft", "returned", ""), 3),
    (("draft", "failed", "invalid"), 2),
    (("draft", "cancelled", "withdrawn"), 1),
    (("closed", "rejected", ""), 2),
    (("closed", None, ""), 1),
)
IN_FLIGHT = (("queued", 30), ("unknown", 5), ("needs_attention", 10))  # not in a hundred, but in all
TWO_YEARS = timedelta(days=730)
AT_ONCE = 10_000


class Table:
    """Rows of a model that are written with the values of a new one, but for those that are given."""

    def __init__(self, model: Any) -> None:
        from django.db import connection

        self.name = model._meta.db_table
        self.fields = {field.attname: field for field in model._meta.concrete_fields}
        self.columns = [field.column for field in self.fields.values()]
        row = model()
        self.usual = [field.get_db_prep_save(getattr(row, name), connection) for name, field in self.fields.items()]
        self.places = {name: at for at, name in enumerate(self.fields)}
        self.rows: list[tuple[Any, ...]] = []

    def add(self, **given: Any) -> None:
        values = list(self.usual)
        for name, value in given.items():
            values[self.places[name]] = value
        self.rows.append(tuple(values))

    def write(self) -> None:
        from django.db import connection

        columns = ", ".join(f'"{column}"' for column in self.columns)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                marks = ", ".join("?" for _column in self.columns)
                connection.connection.executemany(f"INSERT INTO {self.name} ({columns}) VALUES ({marks})", self.rows)
            else:
                with cursor.copy(f"COPY {self.name} ({columns}) FROM STDIN") as copy:
                    for row in self.rows:
                        copy.write_row(row)
        self.rows.clear()


class Crowd:
    def __init__(self, count: int) -> None:
        from casesite.cases.models import Case, CaseEvent, SupportContent
        from casesite.delivery.models import Attempt
        from casesite.submissions.models import Decision, Submission

        self.count = count
        self.random = random.Random(count)
        self.tables = [Table(model) for model in (Case, SupportContent, CaseEvent, Submission, Decision, Attempt)]
        self._people()

    def _people(self) -> None:
        from django.contrib.auth import get_user_model

        from casesite import clock
        from casesite.catalog.models import SupportCatalog
        from casesite.teams.models import AwsAccount, CheckResult, Membership, Role, Team

        self.now = clock.now()
        self.teams = [Team.objects.create(name=f"Team {number}") for number in range(TEAMS)]
        users = get_user_model().objects
        self.authors = [users.create(username=f"author-{number}") for number in range(AUTHORS)]
        for number, author in enumerate(self.authors):
            Membership.objects.create(team=self.teams[number % TEAMS], user=author, role=Role.AGENT)
        self.lead = users.create(username="lead", is_staff=True, is_superuser=True)
        for team in self.teams[:2]:
            Membership.objects.create(team=team, user=self.lead, role=Role.LEAD)
        self.one = users.create(username="reviewer", is_staff=True)
        Membership.objects.create(team=self.teams[0], user=self.one, role=Role.LEAD)
        self.accounts = []
        for number in range(ACCOUNTS):
            account = AwsAccount.objects.create(
                account_id=str(600_000_000_000 + number),
                name=f"Account {number}",
                check_result=CheckResult.GOOD,
                checked_at=self.now,
            )
            account.teams.set([self.teams[number % TEAMS]])
            self.accounts.append(account)
            content = {"services": [{"code": SERVICE, "name": "Billing", "categories": []}], "severities": []}
            SupportCatalog.objects.create(
                account=account, content=content, content_sha256="0" * 64, fetched_at=self.now, seen_at=self.now
            )

    # --- cases ---------------------------------------------------------------------------------------------------------------
    def write(self) -> None:
        with _without_indexes([table.name for table in self.tables]):
            fates = self._fates()
            for number in range(1, self.count + 1):
                self._case(number, next(fates))
                if number % AT_ONCE == 0 or number == self.count:
                    for table in self.tables:
                        table.write()

    def _fates(self) -> Iterator[tuple[str, str | None, str]]:
        """By chance, and at the end each of those in flight."""
        plain = [fate for fate, share in FATES for _n in range(share)]
        few = [("outgoing", state, "") for state, count in IN_FLIGHT for _n in range(count)]
        for _number in range(self.count - len(few)):
            yield self.random.choice(plain)
        yield from few

    def _case(self, number: int, fate: tuple[str, str | None, str]) -> None:
        from casesite.cases.models import REFERENCE_ALPHABET

        cases, contents, events, *_more = self.tables
        stage, state, reason = fate
        team = self.teams[self._team(number)]
        account, author = self.random.choice(self.accounts), self.random.choice(self.authors)
        severity = self.random.choice(SEVERITIES)
        letters, left = "", number * 2_654_435_761 % 2**40
        for _place in range(8):
            left, at = divmod(left, 32)
            letters += REFERENCE_ALPHABET[at]
        reference = f"CS-{letters[:4]}-{letters[4:]}"
        subject, words = self._subject(number)
        at = self.now - TWO_YEARS * (1 - number / (self.count + 1)) - timedelta(hours=1)
        opened = state == "delivered"
        cases.add(
            id=number,
            reference=reference,
            kind="connect" if severity == "low" and number % 5 == 0 else "support",
            stage=stage,
            team_id=team.pk,
            account_id=account.pk,
            author_id=author.pk,
            subject=subject,
            words=f"{words} {reference.lower()} {reference[3:].lower()} {reference[8:].lower()}",
            severity_code=severity,
            created_at=_instant(at),
            changed_at=_instant(at + timedelta(minutes=30)),
            discarded_at=_instant(at) if stage == "closed" and state is None else None,
            aws_case_id=f"case-{account.account_id}-en-2026-{number:016x}" if opened else None,
            aws_display_id=str(170_000_000_000 + number) if opened else "",
            aws_status="resolved" if stage == "resolved" else "unassigned" if opened else "",
        )
        contents.add(case_id=number, service_code=SERVICE, category_code="other", communication_body="It is slow.")
        events.add(id=number, case_id=number, at=_instant(at), by_id=author.pk, what="created")
        if state:
            self._submission(number, team, account, author, (reference, subject, severity), at, state, reason)

    def _team(self, number: int) -> int:
        """Half of all are of the first team, few of the last."""
        at = number % 20
        return 0 if at < 10 else 1 if at < 15 else 2 if at < 19 else 3

    def _subject(self, number: int) -> tuple[str, str]:
        from casesite.cases.words import words_of

        subject = self.random.choice(SUBJECTS)
        every = self.count // RARE_CASES or 1
        if number % every == 0:
            subject += " " + RARE[number // every % len(RARE)]
        words = self._words.get(subject) or self._words.setdefault(subject, words_of(subject))
        own = "".join(chr(97 + int(digit)) for digit in str(number))
        return f"{subject} {own}", f"{words} {own}"

    _words: dict[str, str] = {}

    def _submission(
        self,
        number: int,
        team: Any,
        account: Any,
        author: Any,
        told: tuple[str, str, str],
        at: Any,
        state: str,
        reason: str,
    ) -> None:
        import json

        from casesite.submissions.models import RANKS

        *_cases, submissions, decisions, attempts = self.tables
        reference, subject, severity = told
        key = _key(UUID(int=self.random.getrandbits(128), version=4))
        submitted = at + timedelta(minutes=10)
        digest = f"{number:064x}"
        delivered = state == "delivered"
        decided = state not in ("pending_review", "cancelled")
        sent = delivered or state in ("failed", "unknown", "needs_attention")
        submissions.add(
            id=key,
            case_id=number,
            team_id=team.pk,
            account_id=account.pk,
            content=json.dumps({"subject": subject, "severity_code": severity, "service_code": SERVICE}),
            payload=json.dumps({"subject": subject, "communicationBody": "It is slow."}),
            payload_sha256=digest,
            payload_version=1,
            marker=f"{reference}-{number % 10_000:04d}-{number // 10_000 % 10_000:04d}",
            client_token=_key(UUID(int=number)),
            severity_code=severity,
            submitted_by_id=author.pk,
            submitted_at=_instant(submitted),
            rank=RANKS[severity],
            state=state,
            queued_at=_instant(submitted) if decided else None,
            approved_at=_instant(submitted) if decided else None,
            review_by=_instant(self.now + timedelta(days=1)) if state == "pending_review" else None,
            due_at=_instant(self.now + timedelta(hours=2))
            if state in ("queued", "unknown", "needs_attention")
            else None,
            reason_code=reason,
            remote_id=f"case-{account.account_id}-en-2026-{number:016x}" if delivered else None,
        )
        if decided:
            what = {"returned": "return", "rejected": "reject"}.get(state, "approve")
            decisions.add(
                id=number,
                submission_id=key,
                by_id=self.one.pk,
                at=_instant(submitted),
                what=what,
                payload_sha256=digest,
            )
        if sent:
            outcome = "done" if delivered else "refused_final" if state == "failed" else "unknown"
            attempts.add(
                id=number,
                submission_id=key,
                n=1,
                token=2,
                started_at=_instant(submitted),
                send_not_after=_instant(submitted),
                bound=_instant(submitted),
                account_id_at_aws=account.account_id,
                endpoint="http://127.0.0.1",
                payload_sha256=digest,
                worker="here 1 boot",
                phase="closed",
                outcome=outcome,
                closed_at=_instant(submitted),
            )


def _instant(at: Any) -> Any:
    from django.db import connection

    return connection.ops.adapt_datetimefield_value(at)


def _key(key: UUID) -> Any:
    from django.db import connection

    return key if connection.features.has_native_uuid_field else key.hex


class _without_indexes:  # used as a context manager
    """Rows by the million go in several times as fast, and the indexes are as compact as after a `VACUUM`."""

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = tuple(tables)

    def __enter__(self) -> None:
        from django.db import connection

        self.again: list[str] = []
        marks = ", ".join(["%s"] * len(self.tables))
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA cache_size = -1000000")
                cursor.execute("PRAGMA foreign_keys = OFF")
                cursor.execute(
                    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger')"
                    f" AND tbl_name IN ({marks})",
                    self.tables,
                )
                for kind, name, sql in cursor.fetchall():
                    cursor.execute(f'DROP {kind} "{name}"')
                    if kind == "index":
                        self.again.append(sql)
                cursor.execute("BEGIN")
            else:
                cursor.execute("SET statement_timeout = 0; SET session_replication_role = replica")
                cursor.execute("SET maintenance_work_mem = '512MB'")
                cursor.execute(
                    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                    f" AND tablename IN ({marks}) AND indexname NOT IN (SELECT conname FROM pg_constraint)",
                    self.tables,
                )
                for name, sql in cursor.fetchall():
                    cursor.execute(f'DROP INDEX "{name}"')
                    self.again.append(sql)

    def __exit__(self, *failed: Any) -> None:
        from django.db import connection

        from casesite.cases import word_index

        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("COMMIT")
            for sql in self.again:
                cursor.execute(sql)
            if connection.vendor == "sqlite":
                word_index.take_up(cursor)
                word_index.look_after()
            else:
                for table in self.tables:
                    if table not in ("cases_supportcontent", "submissions_submission"):
                        cursor.execute(
                            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                        )
                cursor.execute("VACUUM ANALYZE")


def crowd(count: int) -> None:
    """Prints the sessions of somebody who leads one team and of one who leads two; and what to search for."""
    import json

    from bench.fill import session_of

    made = Crowd(count)
    made.write()
    told = {
        "reviewer": session_of(made.one),
        "lead": session_of(made.lead),
        "account": made.accounts[0].pk,
        "since": (made.now - TWO_YEARS * 0.6).date().isoformat(),
        "until": (made.now - TWO_YEARS * 0.3).date().isoformat(),
    }
    print(json.dumps(told))
