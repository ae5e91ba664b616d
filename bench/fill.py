"""Rows for a measurement, written beside a running site with its own environment.

python -m bench.fill accounts 128 [10]  accounts that the measurement uses, and the cases an hour of each
python -m bench.fill submit 8         so many submissions in each of them, waiting for review
python -m bench.fill reviewing 240    so many submissions of one account, waiting for review; prints how the approver signs in and the review pages' addresses
python -m bench.fill trickle 60 150 20  approves so many one after another, with that pause in ms, of the first accounts in turn; prints their ids
python -m bench.fill awake 20         approves all of the account with that number, or has them due again; `asleep 20`: none of it is due
python -m bench.fill waiting 500 20   so many accounts whose hour is used up, with so many rows each that wait for it
python -m bench.fill pages 280        an agent with a catalogue of so many services; prints their session and a form's fields
python -m bench.fill connect_forms 200  an agent with Connect templates of 30 and of so many fields; prints their session and addresses
python -m bench.fill connect_lane 60  so many Connect cases of one account, waiting for review; its domain is at the simulator
python -m bench.fill crowd 1000000    so many cases of all kinds; prints sessions of people who look at them
python -m bench.fill release [1]      approves all that wait, in one transaction, and rings; prints the instant of the commit
"""

import json
import sys
import time
from typing import Any

import django

FIRST_ACCOUNT = 500_000_000_000


def accounts(count: int, cases_per_hour: int = 100_000) -> None:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from casesite import clock
    from casesite.pacing import gate
    from casesite.pacing.models import Mode
    from casesite.teams.models import AwsAccount, CheckResult, Membership, Role, Team

    team, _made = Team.objects.get_or_create(name="Measurement")
    for name, role in (("author", Role.AGENT), ("approver", Role.REVIEWER)):
        user, _made = get_user_model().objects.get_or_create(username=name)
        Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    with transaction.atomic():  # else the dispatcher has catalogues fetched for accounts that wait for theirs
        now = clock.now()
        there = AwsAccount.objects.filter(teams=team).count()
        for number in range(there, count):
            account = AwsAccount(
                account_id=str(FIRST_ACCOUNT + number),
                name=f"Account {number}",
                cases_per_hour=cases_per_hour,
                reserved_urgent=0,
                check_result=CheckResult.GOOD,
                checked_at=now,
            )
            account.save()
            account.teams.add(team)
            for mode in Mode:
                gate.of(account.pk, mode)
        _give_catalog()


def _give_catalog() -> None:
    """One catalogue for all, as if fetched just now, so that nothing is fetched while we measure."""
    from casesite import clock
    from casesite.catalog.models import SupportCatalog
    from casesite.teams.models import AwsAccount

    now = clock.now()
    content = {
        "services": [
            {"code": "billing", "name": "Billing", "categories": [{"code": "other-billing-questions", "name": "Other"}]}
        ],
        "severities": [{"code": "normal", "name": "Normal"}],
    }
    SupportCatalog.objects.bulk_create(
        SupportCatalog(account=account, content=content, content_sha256="0" * 64, fetched_at=now, seen_at=now)
        for account in AwsAccount.objects.filter(teams__name="Measurement", support_catalogs=None)
    )


def submit(count: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from casesite import clock
    from casesite.cases.models import Case, SupportContent
    from casesite.catalog.models import SupportCatalog
    from casesite.submissions import workflow
    from casesite.teams.models import Team

    author, team = get_user_model().objects.get(username="author"), Team.objects.get(name="Measurement")
    catalogs = SupportCatalog.objects.filter(account__teams=team).select_related("account")
    for catalog in catalogs:
        with transaction.atomic():
            for number in range(count):
                now = clock.now()
                case = Case.objects.create(
                    team=team,
                    account=catalog.account,
                    author=author,
                    subject=f"Case {number}",
                    severity_code="normal",
                    created_at=now,
                    changed_at=now,
                )
                SupportContent.objects.create(
                    case=case,
                    catalog=catalog,
                    service_code="billing",
                    category_code="other-billing-questions",
                    communication_body="The invoice of last month lists the support plan twice.\n" * 20,
                )
                workflow.submit(case, by=author)


def reviewing(count: int) -> None:
    import secrets

    from django.contrib.auth import get_user_model
    from django.urls import reverse

    from casesite.submissions.models import Submission

    accounts(1)
    submit(count)
    approver, password = get_user_model().objects.get(username="approver"), secrets.token_urlsafe(16)
    approver.is_staff = True
    approver.set_password(password)
    approver.save(update_fields=["is_staff", "password"])
    rows = Submission.objects.filter(submitted_by__username="author").order_by("submitted_at")
    pages = [reverse("admin:submissions_submission_change", args=[pk]) for pk in rows.values_list("pk", flat=True)]
    print(json.dumps({"name": approver.username, "password": password, "reviews": pages}))


def release(rings_for_each: int = 0) -> None:
    """As a reviewer would, but all at once: what is measured is the sending. It rings once for each account, or for each row."""
    from django.contrib.auth import get_user_model

    from casesite import clock
    from casesite.database import write
    from casesite.pacing import bell
    from casesite.submissions.models import Decision, Submission, Verdict
    from casesite.submissions.states import State

    approver = get_user_model().objects.get(username="approver")
    waiting = Submission.objects.filter(state=State.PENDING_REVIEW, submitted_by__username="author")
    with write():
        now = clock.now()
        Decision.objects.bulk_create(
            Decision(submission_id=pk, by=approver, at=now, what=Verdict.APPROVE, payload_sha256=payload_sha256)
            for pk, payload_sha256 in waiting.values_list("pk", "payload_sha256")
        )
        accounts = waiting.values_list("account_id", flat=True)
        numbers = list(accounts if rings_for_each else accounts.distinct())
        waiting.update(state=State.QUEUED, queued_at=now, approved_at=now, due_at=now, token=1)
    began = time.time()
    for number in numbers:
        bell.ring_now(bell.WORK_OFF, number)
    print(began)


def trickle(count: int, pause_ms: int, accounts: int) -> None:
    """Approvals one after another, by the workflow's own step, for each of the first accounts in turn."""
    from itertools import islice

    from django.contrib.auth import get_user_model

    from casesite.submissions import workflow
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    approver = get_user_model().objects.get(username="approver")
    waiting = Submission.objects.filter(state=State.PENDING_REVIEW).order_by("submitted_at")
    each = [
        list(waiting.filter(account__account_id=str(FIRST_ACCOUNT + number)).select_related("case", "account")[:count])
        for number in range(accounts)
    ]
    in_turn = (rows[turn] for turn in range(count) for rows in each)
    began = time.monotonic()
    for number, row in enumerate(islice(in_turn, count)):
        time.sleep(max(0.0, began + number * pause_ms / 1000 - time.monotonic()))
        workflow.approve(row, by=approver, payload_sha256=row.payload_sha256)
        print(row.pk.hex)
    time.sleep(0.1)  # the last bell


def awake(number: int) -> None:
    """All cases of an account are approved, or due again."""
    from django.contrib.auth import get_user_model

    from casesite import clock
    from casesite.pacing import bell
    from casesite.submissions import workflow
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    approver = get_user_model().objects.get(username="approver")
    rows = Submission.objects.filter(account__account_id=str(FIRST_ACCOUNT + number)).select_related("case", "account")
    for row in rows.filter(state=State.PENDING_REVIEW):
        workflow.approve(row, by=approver, payload_sha256=row.payload_sha256)
    rows.filter(state__in=(State.QUEUED, State.UNKNOWN)).update(due_at=clock.now())
    for account_pk in rows.values_list("account_id", flat=True).distinct():
        bell.ring_now(bell.WORK_OFF, account_pk)
    time.sleep(0.1)  # the last bell


def asleep(number: int) -> None:
    """Nothing of the account is due for a day."""
    from datetime import timedelta

    from casesite import clock
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    rows = Submission.objects.filter(account__account_id=str(FIRST_ACCOUNT + number))
    rows.filter(state__in=(State.QUEUED, State.UNKNOWN)).update(due_at=clock.now() + timedelta(days=1))


def waiting(accounts_: int, each: int) -> None:
    """So many rows in each account that are due and wait because its hour is used up."""
    from casesite import clock
    from casesite.delivery.models import Outcome
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State
    from tests.factories import an_attempt, many_like

    accounts(accounts_, 1)
    submit(2)
    now = clock.now()
    for sent, row in _in_pairs(
        Submission.objects.order_by("account_id", "submitted_at").select_related("case", "account")
    ):
        an_attempt(sent, Outcome.DONE, remote_id=f"case-{sent.account_id}")
        Submission.objects.filter(pk=sent.pk).update(
            state=State.DELIVERED, remote_id=f"case-{sent.account_id}", queued_at=now, approved_at=now, due_at=None
        )
        row.state, row.queued_at, row.approved_at, row.due_at = State.QUEUED, now, now, now
        row.save(update_fields=["state", "queued_at", "approved_at", "due_at"])
        many_like(row, each - 1)


def _in_pairs(rows: Any) -> Any:
    rows = list(rows)
    return zip(rows[::2], rows[1::2], strict=True)


def pages(services: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection

    from bench.comparison.models import Note

    accounts(1)
    with connection.schema_editor() as editor:
        editor.create_model(Note)
    author = get_user_model().objects.get(username="author")
    account, catalog = _give_whole_catalog(services)
    _use_some(author, account, catalog)
    fields = {
        "account": str(account.pk),
        "issue_type": "technical",
        "service_code": "service-100",
        "category_code": "category-3",
        "severity_code": "normal",
        "language": "en",
        "subject": "RDS failover took 11 minutes",
        "communication_body": "Since 09:12 UTC db-1 in eu-west-1 fails over again and again.\n" * 20,
        "cc_email_addresses": "a@example.com, b@example.com",
    }
    _answer_languages(account, fields)
    print(json.dumps({**_sessions_of(author), "fields": fields}))


def connect_forms(many: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection

    from bench.comparison.models import Note
    from casesite.teams.models import AwsAccount

    accounts(1)
    with connection.schema_editor() as editor:
        editor.create_model(Note)
    AwsAccount.objects.filter(teams__name="Measurement").update(connect_regions="us-east-1")
    author = get_user_model().objects.get(username="author")
    few, large = (_template_of(count) for count in (30, many))
    print(
        json.dumps(
            {
                **_sessions_of(author),
                "few": f"/cases/new/connect/{few}/",
                "many": f"/cases/new/connect/{large}/",
            }
        )
    )


def _template_of(count: int) -> int:
    """A template of so many fields of all types, and a rule for each fourth of them, at most 50; returns its primary key."""
    from casesite import clock
    from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate
    from casesite.catalog.schema import sha256_of
    from casesite.catalog.template import (
        BooleanRule,
        Comparison,
        Field,
        FieldType,
        Operator,
        Option,
        RuleKind,
        Section,
        Template,
        content_of,
    )
    from casesite.teams.models import AwsAccount

    types = [
        FieldType.TEXT,
        FieldType.SINGLE_SELECT,
        FieldType.BOOLEAN,
        FieldType.NUMBER,
        FieldType.DATE_TIME,
        FieldType.URL,
    ]
    options = tuple(Option(f"Option {number}", f"option-{number}") for number in range(12))
    fields = [Field("title", "Title", FieldType.TEXT, system=True)]
    for number in range(1, count):
        type_ = types[number % len(types)]
        choices = options if type_ == FieldType.SINGLE_SELECT else ()
        fields.append(
            Field(f"field-{number}", f"Field {number}", type_, description="What is asked here", options=choices)
        )
    rules = [
        BooleanRule(
            id=f"rule-{number}",
            name=f"Rule {number}",
            kind=RuleKind.REQUIRED if number % 2 else RuleKind.HIDDEN,
            field_id=f"field-{number * 4 + 2}",
            default=False,
            conditions=(Comparison(f"field-{number * 4 + 1}", Operator.EQUAL, "option-3"),),
        )
        for number in range(min(50, (count - 3) // 4))
    ]
    placed = tuple(field.id for field in fields[1:])
    half = len(placed) // 2
    template = Template(
        id=f"template-{count}",
        name=f"Template of {count} fields",
        fields=tuple(fields),
        required=("title",),
        rules=tuple(rules),
        sections=(Section("topPanel", "Top", placed[:half]), Section("moreInfo", "More", placed[half:])),
    )
    now, account = clock.now(), AwsAccount.objects.get(teams__name="Measurement")
    domain, _made = CasesDomain.objects.get_or_create(
        account=account,
        region="us-east-1",
        domain_id="measurement",
        defaults={
            "arn": "arn:aws:cases:us-east-1:500000000000:domain/measurement",
            "name": "Measurement",
            "seen_at": now,
        },
    )
    row = ConnectTemplate.objects.create(domain=domain, template_id=template.id, name=template.name)
    content = content_of(template)
    row.newest = CaseTemplate.objects.create(
        template=row, content=content, content_sha256=sha256_of(content), fetched_at=now, seen_at=now
    )
    row.save()
    return row.pk


def connect_lane(count: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from casesite import clock
    from casesite.cases.models import Case, ConnectContent, Kind
    from casesite.catalog import templates_sync
    from casesite.catalog.models import ConnectTemplate
    from casesite.submissions import workflow
    from casesite.teams.models import AwsAccount, Team

    accounts(1)
    account = AwsAccount.objects.get(teams__name="Measurement")
    account.connect_regions = "us-east-1"
    account.save()
    templates_sync.refresh(account)
    template = ConnectTemplate.objects.select_related("newest").get(name="General question", domain__account=account)
    author, team = get_user_model().objects.get(username="author"), Team.objects.get(name="Measurement")
    with transaction.atomic():
        for number in range(count):
            now, title = clock.now(), f"Case {number}"
            case = Case.objects.create(
                kind=Kind.CONNECT,
                team=team,
                account=account,
                author=author,
                subject=title,
                created_at=now,
                changed_at=now,
            )
            ConnectContent.objects.create(case=case, template=template, version=template.newest, typed={"title": title})
            workflow.submit(case, by=author)


def _give_whole_catalog(services: int) -> tuple[Any, Any]:
    """One as large as AWS's, as if fetched just now."""
    from casesite import clock
    from casesite.catalog.models import SupportCatalog
    from casesite.catalog.schema import content_of, sha256_of
    from casesite.teams.models import AwsAccount

    account, now = AwsAccount.objects.get(teams__name="Measurement"), clock.now()
    categories = [(f"category-{number}", f"Category {number}") for number in range(6)]
    content = content_of(
        [(f"service-{number}", f"Amazon Service of the Number {number}", categories) for number in range(services)],
        [("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent"), ("critical", "Critical")],
    )
    catalog = SupportCatalog.objects.create(
        account=account, content=content, content_sha256=sha256_of(content), fetched_at=now, seen_at=clock.now()
    )
    return account, catalog


def _answer_languages(account: Any, fields: dict[str, str]) -> None:
    """As a worker has answered long ago for a choice that somebody makes: no worker runs while pages are measured."""
    from casesite.catalog import questions
    from casesite.lookups.answer import note

    choice = {name: fields[name] for name in ("issue_type", "service_code", "category_code")}
    note(questions.LANGUAGES_OF, account, choice, {"languages": [["en", "English"], ["ja", "日本語"]]})


def _use_some(author: Any, account: Any, catalog: Any) -> None:
    """Drafts in seven services."""
    from casesite import clock
    from casesite.cases.models import Case, SupportContent
    from casesite.teams.models import Team

    team = Team.objects.get(name="Measurement")
    for number in range(7):
        now = clock.now()
        case = Case.objects.create(
            team=team, account=account, author=author, subject="Earlier", created_at=now, changed_at=now
        )
        SupportContent.objects.create(case=case, catalog=catalog, service_code=f"service-{number * 30}")


def _sessions_of(user: Any) -> dict[str, str]:
    """The site's own, and one for the comparison views."""
    return {
        "session": session_of(user),
        "django_session": session_of(user, "django.contrib.auth.backends.ModelBackend"),
    }


def session_of(user: Any, backend: str = "casesite.web.sessions.PasswordBackend") -> str:
    """The key of a session in which the person is signed in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = backend
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    django.setup()
    what, *given = sys.argv[1:]
    from bench.crowd import crowd

    parts = (
        accounts,
        pages,
        submit,
        reviewing,
        release,
        connect_forms,
        connect_lane,
        trickle,
        awake,
        asleep,
        waiting,
        crowd,
    )
    {part.__name__: part for part in parts}[what](*map(int, given))
