"""A team with a case in every state, and people of every kind: what tests about all pages at once look at."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from casesite.cases.models import Case, ConnectContent
from casesite.catalog import questions, template_checks
from casesite.catalog.lint import as_stored, lint
from casesite.delivery.models import Attempt, Look, LookResult
from casesite.lookups.answer import note
from casesite.lookups.models import Lookup
from casesite.lookups.questions import ask
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.review.adoption import LOOKUP as ADOPT_CASE
from casesite.submissions import dry_runs, waiting, workflow
from casesite.submissions.dry_runs import Result, Said
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CannedText, CheckResult, ReviewPolicy, Role
from tests.catalog.templates import a_template, equal, hides, requires, select, text
from tests.factories import (
    SERVICES,
    SEVERITIES,
    a_catalog,
    a_connect_draft,
    a_connect_template,
    a_draft,
    a_file,
    a_submission,
    a_team,
    a_user,
    an_account,
)


def routes() -> Iterator[str]:
    """Every address that the site knows, as its pattern is written."""
    return _routes(get_resolver(), "")


def _routes(resolver: URLResolver, before: str) -> Iterator[str]:
    for each in resolver.url_patterns:
        here = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _routes(each, here)
        else:
            yield here or "/"


class World:
    """Owls, the team that owns everything; Foxes, the other one; a superuser in none.

    `spice` is put behind every word that people or AWS wrote, to see what pages make of it.
    """

    def __init__(self, spice: str = "") -> None:
        self.spice = spice
        self.team, others = a_team(f"Owls{spice}"), a_team(f"Foxes{spice}")
        self.account = an_account(self.team, name=f"Owlery prod{spice}")
        self.account.role_arn = f"arn:aws:iam::{self.account.account_id}:role/CaseOpener"
        self.account.save(update_fields=["role_arn"])
        an_account(others, name="Foxhole")
        self.people = {
            "author": self._person("owl-author", self.team),
            "agent": self._person("owl-agent", self.team),
            "reviewer": self._person("owl-reviewer", self.team, Role.REVIEWER),
            "lead": self._person("owl-lead", self.team, Role.LEAD),
            "f_agent": self._person("fox-agent", others),
            "f_reviewer": self._person("fox-reviewer", others, Role.REVIEWER),
            "f_lead": self._person("fox-lead", others, Role.LEAD),
            "superuser": a_user("root", is_staff=True, is_superuser=True),
        }
        self._catalogue()
        self._template()
        self.connect = self._connect_case()
        self.connect_draft = self._connect_draft()
        self.draft = a_draft(**self._written("Mice squeak"))
        self._enclose(self.draft)
        self.canned_text = CannedText.objects.create(
            team=self.team, name=f"Owls hoot{spice}"[:80], subject="Owls", body=f"Owls in {{account_name}}.{spice}"
        )
        self.discarded = a_draft(**self._written("Mice are gone"))
        workflow.discard(self.discarded, by=self.people["author"])
        self.cases = {state: self._case_in(state) for state in State}
        self.held = self._held_back()
        self._returned_with_a_reason()
        self._words_of_aws()
        self.sent_first = self._sent_before_review()
        self._account_in_trouble()
        self._questions()

    # --- what there is -----------------------------------------------------------------------------------------------
    def _person(self, name: str, team: Any, role: Role = Role.AGENT) -> Any:
        return a_user(name, team=team, role=role, first_name=f"O.{self.spice}"[:150], last_name="")

    def _written(self, subject: str, **fields: Any) -> dict[str, Any]:
        """A case of the author's, for the builders."""
        given = {"by": self.people["author"], "team": self.team, "account": self.account}
        words = {
            "subject": f"{subject}{self.spice}",
            "communication_body": f"{subject} in the barn.{self.spice}\n\n{self.spice}",
            "cc_email_addresses": f"barn@example.com, {self.spice}" if self.spice else "barn@example.com",
        }
        return given | words | fields

    def _catalogue(self) -> None:
        services = [
            {
                **service,
                "name": f"{service['name']}{self.spice}",
                "categories": [{**each, "name": f"{each['name']}{self.spice}"} for each in service["categories"]],
            }
            for service in SERVICES
        ]
        severities = [{**each, "name": f"{each['name']}{self.spice}"} for each in SEVERITIES]
        a_catalog(self.account, services=services, severities=severities)

    def _case_in(self, state: State) -> Submission:
        if state in (State.RETURNED, State.REJECTED):
            return self._stopped(state)
        case = a_draft(**self._written(f"Mice are {state}"))
        self._enclose(case)
        return a_submission(state, case=case, reviewer=self.people["reviewer"])

    def _template(self) -> None:
        """A Connect template in two versions, with a saved filling that broke between them."""
        AwsAccount.objects.filter(pk=self.account.pk).update(connect_regions="us-east-1")
        owls = select("owls", f"barn{self.spice}"[:100], "tawny")
        note = text("note", description=f"What was heard{self.spice}")
        rules = [
            requires("note", equal("owls", "tawny"), name=f"Tawny{self.spice}"),
            hides("note", equal("owls", None)),
        ]
        a_connect_template(self.account, replace(a_template(owls, note, rules=rules), name=f"Owl sighting{self.spice}"))
        changed = a_template(owls, note, rules=rules[:1], required=("title", "owls"))
        self.template = a_connect_template(self.account, replace(changed, name=f"Owl sighting{self.spice}"))
        lead, then = self.people["lead"], timezone.now()
        self.check = self.template.checks.create(
            name=f"Nothing heard{self.spice}"[:100],
            values={"title": f"Nothing{self.spice}"},
            expected={"hidden": ["note"], "required": ["title"], "missing": [], "unfit": []},
            saved_by=lead,
            saved_at=then,
        )
        newest = self.template.newest
        newest.findings = as_stored(lint(newest.snapshot))
        newest.save(update_fields=["findings"])
        template_checks.run_all(newest)

    def _connect_case(self) -> Submission:
        """A case by the template's older version, that waits for review; one of its answers does not go out."""
        typed = {"title": f"Mice and a template{self.spice}"[:400], "note": f"Mice squeak.{self.spice}"}
        told = {"first_comment": f"Mice squeaked twice.{self.spice}", "tags": "barn=7"}
        case = a_connect_draft(self.template, by=self.people["author"], team=self.team, typed=typed, **told)
        ConnectContent.objects.filter(case=case).update(version=self.template.versions.last())
        return workflow.submit(case, by=case.author)

    def _connect_draft(self) -> Case:
        typed = {"title": f"Mice in a template{self.spice}"[:400], "note": f"Mice squeak.{self.spice}"}
        return a_connect_draft(self.template, by=self.people["author"], team=self.team, typed=typed)

    def _enclose(self, case: Case) -> None:
        """A file whose name is as odd as a name may be."""
        odd = "".join(each for each in self.spice if each.isprintable() and each not in "/\\")
        a_file(case, f"Mice{odd[:200]}.txt", f"Mice squeak.{self.spice}".encode())

    def _held_back(self) -> Submission:
        row = a_submission(State.QUEUED, case=a_draft(**self._written("Mice wait")), reviewer=self.people["reviewer"])
        until = timezone.now() + timezone.timedelta(hours=5)
        waiting.hold(row, by=self.people["author"], until=until, token=row.token)
        return row

    def _stopped(self, state: State) -> Submission:
        submission = a_submission(**self._written(f"Mice are {state}"))
        stop = workflow.return_to_author if state == State.RETURNED else workflow.reject
        given = {"by": self.people["reviewer"], "payload_sha256": submission.payload_sha256}
        stop(submission, reason=f"Which mice?{self.spice}\nSay more.", **given)
        return submission

    def _returned_with_a_reason(self) -> None:
        """A second revision, so that there is a difference to show."""
        first = a_submission(**self._written("Mice come twice"))
        given = {"by": self.people["reviewer"], "payload_sha256": first.payload_sha256}
        workflow.return_to_author(first, reason=f"How many?{self.spice}", **given)
        Case.objects.filter(pk=first.case_id).update(subject=f"Seven mice come twice{self.spice}")
        self.second_revision = workflow.submit(Case.objects.get(pk=first.case_id), by=self.people["author"])

    def _words_of_aws(self) -> None:
        said = f"Invalid category code{self.spice}"
        Attempt.objects.exclude(outcome="").exclude(outcome="done").update(error_text=said, request_id="1b2c")
        failed, stuck = self.cases[State.FAILED], self.cases[State.NEEDS_ATTENTION]
        Submission.objects.filter(pk__in=(failed.pk, stuck.pk)).update(reason_text=said)
        now = timezone.now()
        alike = {
            "case_id": f"case-1{self.spice}",
            "display_id": f"17{self.spice}",
            "subject": f"Alike{self.spice}",
            "status": f"opened{self.spice}",
            "created_at": now.isoformat(),
        }
        common = {"submission": stuck, "attempt": stuck.attempts.get(), "at": now, "bound": now}
        Look.objects.create(result=LookResult.ABSENT, aws_date=now, evidence={"candidates": [alike]}, **common)
        Look.objects.create(result=LookResult.ERROR, evidence={"error": said}, **common)

    def _sent_before_review(self) -> Submission:
        self.unreviewed = an_account(self.team, name=f"Owlery lab{self.spice}", review_policy=ReviewPolicy.AFTER_URGENT)
        return a_submission(**self._written("Mice scream", account=self.unreviewed, severity_code="urgent"))

    def _account_in_trouble(self) -> None:
        said = f"AWS says no.{self.spice}"
        row = {"name": f"Plan{self.spice}", "state": CheckResult.BLOCKED, "text": said, "todo": f"Ask.{self.spice}"}
        self.blocked = an_account(
            self.team,
            name=f"Owlery old{self.spice}",
            check_result=CheckResult.BLOCKED,
            check_summary=said,
            check_details=[row],
        )
        now = timezone.now()
        AccountGate.objects.create(
            account=self.blocked,
            mode=Mode.WRITE,
            rate=2,
            tokens=2,
            refilled_at=now,
            circuit=Circuit.OPEN,
            trouble="access",
            opened_at=now,
            last_error=said,
            last_error_at=now,
        )

    def _questions(self) -> None:
        """A question that failed, an open one, what AWS said to a dry run, and a case found there for a lead to adopt."""
        now = timezone.now()
        self.lookup = ask(questions.CHECK, self.account, by=self.people["agent"])
        Lookup.objects.filter(pk=self.lookup.pk).update(state="failed", error=f"No way.{self.spice}", answered_at=now)
        refused = Result(said=Said.REFUSED, text=f"Invalid category code{self.spice}", code="ValidationException")
        params = dry_runs.params_of(self.second_revision)
        note(dry_runs.KIND, self.account, params, refused.as_answer())
        self.dry_run = Lookup.objects.get(kind=dry_runs.KIND)
        self.waiting_lookup = ask(questions.CHECK, self.unreviewed, by=self.people["agent"])
        found = {
            "found": True,
            "case_id": f"case-2{self.spice}",
            "display_id": f"18{self.spice}",
            "subject": f"Alike{self.spice}",
            "status": f"opened{self.spice}",
            "created_at": now.isoformat(),
            "submitted_by": f"somebody{self.spice}",
            "last_line": f"Regards{self.spice}",
        }
        self.found = Lookup.objects.create(
            account=self.account,
            kind=ADOPT_CASE,
            key="k",
            params={"display_id": "18"},
            state="answered",
            asked_at=now,
            answer=found,
            answered_at=now,
            expires_at=now + timezone.timedelta(hours=1),
        )

    # --- who looks, and where ----------------------------------------------------------------------------------------
    def client(self, name: str, **options: Any) -> Client:
        client = Client(**options)
        if name != "nobody":
            client.force_login(self.people[name])
        return client

    def address(self, route: str) -> str:
        """A pattern of the resolver with this team's own objects in place of its variables."""
        for variable, value in self._places.items():
            route = route.replace(variable, value)
        assert "<" not in route, f"nothing stands for the variable of {route}"
        return f"/{route.removeprefix('/')}"

    @property
    def _places(self) -> dict[str, str]:
        waiting = self.cases[State.PENDING_REVIEW]
        agent = str(self.people["agent"].pk)
        return {
            "lookups/<int:pk>": f"lookups/{self.lookup.pk}",
            "accounts/<int:pk>": f"accounts/{self.account.pk}",
            "queue/<uuid:pk>": f"queue/{self.cases[State.QUEUED].pk}",
            "<held>": str(self.held.pk),
            "templates/<int:pk>": f"templates/{self.template.pk}",
            "new/connect/<int:pk>": f"new/connect/{self.template.pk}",
            "<connect_case>": self.connect.case.reference,
            "<int:check>": str(self.check.pk),
            "casesdomain/<path:object_id>": f"casesdomain/{self.template.domain_id}",
            "connecttemplate/<path:object_id>": f"connecttemplate/{self.template.pk}",
            "<dry_run>": str(self.dry_run.pk),
            "<connect>": self.connect.marker,
            "<draft>": self.draft.reference,
            "<connect_draft>": self.connect_draft.reference,
            "<discarded>": self.discarded.reference,
            "<queued>": self.cases[State.QUEUED].case.reference,
            "<unknown>": str(self.cases[State.UNKNOWN].pk),
            "<sent_first>": str(self.sent_first.pk),
            "<reference:reference>": waiting.case.reference,
            "<uuid:pk>/attention": f"{self.cases[State.NEEDS_ATTENTION].pk}/attention",
            "<uuid:pk>": str(waiting.pk),
            "<uuid:key>": str(waiting.case.files.get().key),
            "cannedtext/<path:object_id>": f"cannedtext/{self.canned_text.pk}",
            "team/<path:object_id>": f"team/{self.team.pk}",
            "awsaccount/<path:object_id>": f"awsaccount/{self.account.pk}",
            "user/<path:object_id>": f"user/{agent}",
            "<id>": agent,
            "^(?P<app_label>teams|auth|catalog|submissions)/$": "teams/",
            "(?P<url>.*)$": "nowhere/",
            "<team>": str(self.team.pk),
            "<account>": str(self.account.pk),
            "<marker>": waiting.marker,
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody outside the team may read anywhere."""
        cases = Case.objects.values_list("reference", flat=True)
        return (
            "Owls",
            "Owlery",
            "Owl sighting",
            "owl-",
            "Mice",
            self.account.account_id,
            self.account.grouped_id,
            *cases,
        )

    def pages(self) -> list[tuple[str, str]]:
        """Every page, and somebody who may see it."""
        addresses = [
            ("nobody", "accounts/login/"),
            *(("author", each) for each in DESK_PAGES),
            *(("lead", each) for each in LEAD_PAGES),
            *(("superuser", each) for each in SUPERUSER_PAGES),
            ("author", f"cases/{self.second_revision.case.reference}/"),
            ("author", f"cases/{self.sent_first.case.reference}/"),
            ("author", f"cases/{self.cases[State.RETURNED].case.reference}/edit/"),
            ("author", f"cases/{self.cases[State.FAILED].case.reference}/edit/"),
            ("author", f"accounts/{self.blocked.pk}/"),
            ("author", f"lookups/{self.waiting_lookup.pk}/"),
            ("author", f"lookups/{self.found.pk}/"),
            ("author", f"lookups/{self.dry_run.pk}/"),
            ("lead", f"admin/teams/awsaccount/{self.blocked.pk}/change/"),
            ("lead", f"{REVIEW}{self.second_revision.pk}/change/"),
            ("lead", f"{REVIEW}{self.sent_first.pk}/change/"),
            ("lead", f"{REVIEW}{self.connect.pk}/change/"),
            ("lead", f"{REVIEW}{self.cases[State.UNKNOWN].pk}/attention/"),
            ("lead", f"{REVIEW}{self.cases[State.NEEDS_ATTENTION].pk}/attention/?lookup={self.found.pk}"),
        ]
        for submission in self.cases.values():
            addresses.append(("author", f"cases/{submission.case.reference}/"))
            addresses.append(("lead", f"{REVIEW}{submission.pk}/change/"))
        return [(name, self.address(address)) for name, address in addresses]


REVIEW = "admin/submissions/submission/"
DESK_PAGES = (
    "/",
    "cases/",
    "cases/?q=nothing",
    "cases/new/support/",
    "queue/",
    "queue/?team=<team>",
    "cases/<draft>/",
    "cases/<draft>/edit/",
    "cases/<discarded>/",
    "cases/new/connect/",
    "cases/new/connect/<int:pk>/",
    "cases/<connect_draft>/",
    "cases/<connect_draft>/edit/",
    "cases/<connect_case>/",
    "accounts/",
    "accounts/<int:pk>/",
    "templates/<int:pk>/",
    "templates/<int:pk>/try/",
    "lookups/<int:pk>/",
    "accounts/settings/",
    "accounts/password/",
)
LEAD_PAGES = (
    "/",
    "queue/",
    "cases/<queued>/",
    "admin/",
    REVIEW,
    f"{REVIEW}?state__exact=pending_review",
    f"{REVIEW}?state__exact=needs_attention",
    f"{REVIEW}?review_after__exact=1",
    f"{REVIEW}?q=nothing",
    "templates/<int:pk>/",
    "templates/<int:pk>/try/",
    "admin/catalog/",
    "admin/catalog/casesdomain/",
    "admin/catalog/casesdomain/<path:object_id>/change/",
    "admin/catalog/casesdomain/<path:object_id>/history/",
    "admin/catalog/connecttemplate/",
    "admin/catalog/connecttemplate/<path:object_id>/change/",
    "admin/catalog/connecttemplate/<path:object_id>/history/",
    "admin/teams/",
    "admin/teams/team/",
    "admin/teams/team/<path:object_id>/change/",
    "admin/teams/team/<path:object_id>/history/",
    "admin/teams/cannedtext/",
    "admin/teams/cannedtext/add/",
    "admin/teams/cannedtext/<path:object_id>/change/",
    "admin/teams/cannedtext/<path:object_id>/history/",
    "admin/teams/cannedtext/<path:object_id>/delete/",
    "admin/teams/awsaccount/",
    "admin/teams/awsaccount/<path:object_id>/change/",
    "admin/teams/awsaccount/<path:object_id>/history/",
)
SUPERUSER_PAGES = (
    "/",
    "cases/",
    "accounts/",
    "admin/",
    "admin/delivery/",
    "admin/teams/team/add/",
    "admin/teams/awsaccount/add/",
    "admin/auth/user/",
    "admin/auth/user/add/",
    "admin/auth/user/<path:object_id>/change/",
    "admin/auth/user/<path:object_id>/history/",
    "admin/auth/user/<path:object_id>/delete/",
    "admin/auth/user/<id>/password/",
)
