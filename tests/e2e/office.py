"""An author and a reviewer at a running site, accounts for them to work in, and what AWS knows in the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.e2e.http import Page, Person
from tests.sandboxes import SandboxCase
from tests.sites import Site, wait_until

SERVICE, CATEGORY = "amazon-relational-database-service-postgresql", "general-guidance"
_numbers = count(500_000_000_001)

# Run inside the site, so that all accounts cost one start of Django.
ADD_ACCOUNTS = """
from django.core.management import call_command
for number in {numbers}:
    role = f"arn:aws:iam::{{number}}:role/CaseOpener"
    call_command("add_account", number, name=f"Account {{number}}", team=["Payments"], role_arn=role, **{options})
call_command("sync_catalog", *{numbers})
"""


# A file in a draft, as the form would put it there.
ADD_FILE = """
from casesite.cases import files
from casesite.cases.limits import ROOMIEST
from casesite.cases.models import Case
from casesite.cases.receiving import ReceivingHandler
from casesite.database import write
from types import SimpleNamespace
case = Case.objects.get(reference={reference!r})
handler = ReceivingHandler(SimpleNamespace(resolver_match=SimpleNamespace(url_name="case_edit"), user=case.author))
handler.new_file("files", {name!r}, "text/plain", None)
handler.receive_data_chunk({data!r}, 0)
file = files.take_one(handler.file_complete({size}), 0, ROOMIEST, by=case.author)
with write():
    files.attach(case, [file])
"""


class Office:
    """Two people of one team at one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        passwords = dict(line.split(", ")[:2] for line in site.sign_ins)
        self.agent = Person.signed_in(site.url, "agent", passwords["agent"])
        self.reviewer = Person.signed_in(site.url, "reviewer", passwords["reviewer"])

    def accounts(self, number: int, **options: Any) -> list[Account]:
        """New accounts of the team with their catalogue; `options` as add_account takes them."""
        ids = [str(next(_numbers)) for _account in range(number)]
        self.site.manage("shell", "--verbosity", "0", "-c", ADD_ACCOUNTS.format(numbers=ids, options=options))
        return [Account(self, each) for each in ids]

    def account(self, **options: Any) -> Account:
        return self.accounts(1, **options)[0]

    def outgoing_at_aws(self, account_id: str) -> list[dict[str, Any]]:
        """The CreateCase requests that came in for an account, whatever became of them."""
        found = self.site.sandbox.requests("support.CreateCase")
        return [each for each in found if each["account"] == account_id and not each["dry_run"]]


@dataclass
class Account:
    """An AWS account in the office's care."""

    office: Office
    account_id: str

    def submit(self, subject: str = "RDS failover took 11 minutes", **values: str) -> Case:
        """Write a case in this account and hand it to review."""
        posted = self.submitting(subject, **values)
        assert posted.status == 200 and "data-state" in posted.main, f"not submitted: {posted.text[:6000]}"
        return Case(self, posted.url.rstrip("/").rpartition("/")[2], posted)

    def submit_with_file(self, subject: str, name: str, data: bytes) -> Case:
        """Write a draft, put a file into it and hand it to review."""
        saved = self.submitting(subject, action="save_draft")
        reference = saved.url.rstrip("/").split("/")[-2]
        given = {"reference": reference, "name": name, "data": data, "size": len(data)}
        self.office.site.manage("shell", "--verbosity", "0", "-c", ADD_FILE.format(**given))
        agent = self.office.agent
        posted = agent.post(agent.get(f"/cases/{reference}/edit/"), "form_token", action="submit")
        assert posted.status == 200 and "data-state" in posted.main, f"not submitted: {posted.text[:6000]}"
        return Case(self, reference, posted)

    def submitting(self, subject: str = "RDS failover took 11 minutes", **values: str) -> Page:
        """The answer to the form's Submit button."""
        key = self.office.site.rows("SELECT id FROM teams_awsaccount WHERE account_id = ?", self.account_id)[0]["id"]
        given = {
            "account": str(key),
            "issue_type": "technical",
            "service_code": SERVICE,
            "category_code": CATEGORY,
            "severity_code": "normal",
            "language": "en",
            "subject": subject,
            "communication_body": "The failover of db-1 in eu-west-1 took 11 minutes.\nExpected: one to two.",
            "action": "submit",
        }
        agent = self.office.agent
        return agent.post(agent.get("/cases/new/support/"), "form_token", **given | values)

    @property
    def wire(self) -> Wire:
        return Wire(self)

    @property
    def cases_at_aws(self) -> list[SandboxCase]:
        return self.office.site.sandbox.cases(self.account_id)

    @property
    def requests_at_aws(self) -> list[dict[str, Any]]:
        return self.office.outgoing_at_aws(self.account_id)


@dataclass
class Wire:
    """What befalls the account's next CreateCase on its way."""

    account: Account

    def fault(self, name: str, **more: Any) -> int:
        sandbox = self.account.office.site.sandbox
        return sandbox.fault("support.CreateCase", name, account=self.account.account_id, dry_run=False, **more)

    def lose_answer(self) -> int:
        """AWS opens the case, and the connection breaks before it says so."""
        return self.fault("drop", when="after")


@dataclass
class Case:
    """A case of ours, seen as its author sees it."""

    account: Account
    reference: str
    answer: Page  # to the Submit button

    @property
    def office(self) -> Office:
        return self.account.office

    @property
    def page(self) -> Page:
        return self.office.agent.get(f"/cases/{self.reference}/")

    @property
    def state(self) -> str:
        return self.page.main["data-state"]

    @property
    def aws_case_id(self) -> str:
        return self.page.main["data-aws-case-id"]

    def approve(self) -> Page:
        """The reviewer reads what AWS will get, and approves it."""
        reviewer = self.office.reviewer
        case_page = reviewer.get(f"/cases/{self.reference}/")
        review = reviewer.get(case_page.link("data-review"))
        return reviewer.post(review, "decision", decision="approve")

    def wait_for(self, *states: str, seconds: float = 30) -> str:
        """The state, once it is one of these."""
        return wait_until(
            lambda: (state := self.state) in states and state,
            seconds=seconds,
            what=f"{' or '.join(states)} of {self.reference} (now {self.state}, {self.attempts})",
            every=0.2,
        )

    @property
    def attempts(self) -> list[tuple[str, str]]:
        """Outcome and error class of each attempt, oldest first."""
        return [(row["outcome"], row["error_class"]) for row in self.attempt_rows]

    @property
    def attempt_rows(self) -> list[dict[str, Any]]:
        return self._rows("SELECT a.* FROM delivery_attempt a", "a.submission_id", "a.n")

    @property
    def looks(self) -> list[dict[str, Any]]:
        return self._rows("SELECT l.* FROM delivery_look l", "l.submission_id", "l.id")

    @property
    def row(self) -> dict[str, Any]:
        """The newest submission as it stands in the database."""
        return self._rows("SELECT s.* FROM submissions_submission s", "s.id", "s.revision")[-1]

    def _rows(self, select: str, key: str, order: str) -> list[dict[str, Any]]:
        where = (
            f" JOIN submissions_submission own ON own.id = {key} JOIN cases_case c ON c.id = own.case_id"
            f" WHERE c.reference = ? ORDER BY {order}"
        )
        return self.office.site.rows(select + where, self.reference)

    def assert_delivered_once(self, *, requests: int = 1) -> None:
        """The case page shows AWS's id, AWS has this one case, and no request more was made than allowed."""
        at_aws = self.account.cases_at_aws

        assert self.state == "delivered"
        assert [case.case_id for case in at_aws] == [self.aws_case_id]
        assert at_aws[0].body.splitlines()[-1] == f"Ref: {self.row['marker']}"
        assert [request["sdk_attempt"] for request in self.account.requests_at_aws] == [1] * requests


def quiet(site: Site) -> bool:
    """Whether nothing waits for a worker: neither a send nor a look, nor the read after a delivery.

    Of the demo's cases one is being checked and one waits for its hour: of its accounts only a sending counts.
    """
    moving = "state IN ('queued', 'preparing', 'sending', 'unknown') OR (state = 'delivered' AND due_at IS NOT NULL)"
    others = "account_id NOT IN (SELECT id FROM teams_awsaccount WHERE account_id < '500000000000')"
    return not site.rows(f"SELECT 1 FROM submissions_submission WHERE ({moving}) AND (state = 'sending' OR {others})")
