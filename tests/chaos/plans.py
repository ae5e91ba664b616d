"""What is to be submitted, drawn from the seed before anything runs.

A kind of submission says how it is written into its form and how AWS shows it afterwards. Another one is added to KINDS.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from tests.e2e.office import CATEGORY, SERVICE
from tests.sandboxes import Sandbox

SEVERITIES = ("low", "normal", "normal", "normal", "high", "urgent", "critical")
FIRST_ACCOUNT = 510_000_000_001
PER_ACCOUNT = 12  # submissions, so that none waits long for its account's pace
MOST_ACCOUNTS = 80
TIGHT_EVERY = 9  # one account of so many keeps AWS's limit of ten cases an hour
TIGHT_SHARE = 9  # submissions in such an account: more than an hour takes
IN_SETS_EVERY = 3  # one account of so many may not upload: files go as sets
CONNECT_EVERY = 2  # one account of so many has Connect Cases too
UNTAGGED_EVERY = 4  # one of these of so many may put no tag on a case: the reference goes into its title
REGION = "us-east-1"
CONNECT_SHARE = 0.4  # of all submissions
WITH_COMMENT = 0.6  # of those of Connect
WITH_FILES = {"support": 0.2, "connect": 0.3}


@dataclass(frozen=True)
class Account:
    """An AWS account made for a run."""

    account_id: str
    tight: bool
    in_sets: bool
    connect: bool
    untagged: bool


@dataclass(frozen=True)
class File:
    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Item:
    """A comment or a file that AWS has with a case. `content` is the comment's text, or the SHA-256 of the file."""

    what: str
    content: str
    remote_id: str = ""  # where it has one of its own


@dataclass(frozen=True)
class AtAws:
    """A case as AWS has it."""

    remote_id: str
    account_id: str
    marker: str
    subject: str
    body: str
    items: tuple[Item, ...]  # in the order in which they came


@dataclass(frozen=True)
class Planned:
    """One submission to be made. Its subject tells it from all others."""

    number: int
    kind: str
    account: Account
    subject: str
    severity: str
    body: str
    comment: str = ""
    files: tuple[File, ...] = ()
    seen: dict[str, str] = field(default_factory=dict, compare=False)  # what its author was told: the reference

    @property
    def items(self) -> tuple[Item, ...]:
        """What must be at AWS with its case, in this order."""
        comment = (Item("comment", self.comment),) if self.comment else ()
        return (*comment, *(Item("file", file.sha256) for file in self.files))


@dataclass(frozen=True)
class Domain:
    """A Cases domain made for a run."""

    instance_arn: str
    body_field: str  # the id of the field that takes the text


@dataclass(frozen=True)
class Desk:
    """Where an account's forms are on the site, and by which ids they name things."""

    account_key: int
    template_key: int | None
    domain: Domain | None


class Kind(Protocol):
    """A kind of submission."""

    operation: str  # by which it is opened at AWS
    operations: Mapping[str, str]  # by which all that belongs to it is done, by the kind in the database

    def address(self, desk: Desk) -> str:
        """Of the empty form."""
        ...

    def fields(self, planned: Planned, desk: Desk) -> dict[str, str]:
        """What its author puts into the form."""
        ...

    def at_aws(self, sandbox: Sandbox) -> list[AtAws]:
        """All cases of this kind that AWS has, whether it shows them or not."""
        ...


class Support:
    """Cases of AWS Support, with files or without."""

    operation = "support.CreateCase"
    operations: Mapping[str, str] = {"support_case": operation}

    def address(self, desk: Desk) -> str:
        return "/cases/new/support/"

    def fields(self, planned: Planned, desk: Desk) -> dict[str, str]:
        return {
            "account": str(desk.account_key),
            "issue_type": "technical",
            "service_code": SERVICE,
            "category_code": CATEGORY,
            "severity_code": planned.severity,
            "language": "en",
            "subject": planned.subject,
            "communication_body": planned.body,
            "action": "submit",
        }

    def at_aws(self, sandbox: Sandbox) -> list[AtAws]:
        return [
            AtAws(
                remote_id=case.case_id,
                account_id=case.account_id,
                marker=case.body.splitlines()[-1].removeprefix("Ref: "),
                subject=case.subject,
                body=case.body,
                items=tuple(Item("file", file.sha256) for file in case.attachments),
            )
            for case in sandbox.cases()
        ]


class Connect:
    """Cases of Amazon Connect, with a first comment and files or without: these follow as writes of their own."""

    operation = "connectcases.CreateCase"
    operations: Mapping[str, str] = {
        "connect_case": operation,
        "connect_comment": "connectcases.BatchCreateRelatedItem",
        "connect_file": "connectcases.CreateRelatedItem",
    }
    body_name = "Details"
    template_name = "Request"

    def furnish(self, sandbox: Sandbox, account: Account) -> Domain:
        """Make a domain with one template that asks for a title and a text."""
        made = sandbox.connect_domain(account.account_id, REGION, name="Requests")
        domain_id = made["domainId"]
        details = sandbox.connect_put(
            domain_id, "fields", name=self.body_name, type="Text", attributes={"text": {"isMultiline": True}}
        )
        required = [{"fieldId": "title"}, {"fieldId": details["id"]}]
        sandbox.connect_put(domain_id, "templates", name=self.template_name, requiredFields=required, rules=[])
        return Domain(made["instanceArn"], details["id"])

    def address(self, desk: Desk) -> str:
        return f"/cases/new/connect/{desk.template_key}/"

    def fields(self, planned: Planned, desk: Desk) -> dict[str, str]:
        assert desk.domain is not None
        return {
            "fields-title": planned.subject,
            f"fields-{desk.domain.body_field}": planned.body,
            "first_comment": planned.comment,
            "action": "submit",
        }

    def at_aws(self, sandbox: Sandbox) -> list[AtAws]:
        names = {
            (domain["domainId"], each["name"]): each["id"]
            for domain in sandbox.connect_domains()
            for each in domain["fields"]
        }
        files = {file["fileArn"]: file["sha256"] for file in sandbox.connect_files()}
        found = []
        for case in sandbox.connect_cases():
            title = case["fields"]["title"]["stringValue"]
            subject, _, in_title = title.removesuffix("]").rpartition(" [")
            marker = case["tags"].get("casesite-ref")
            body = case["fields"].get(names.get((case["domainId"], self.body_name)), {})
            found.append(
                AtAws(
                    remote_id=case["caseId"],
                    account_id=case["account"],
                    marker=marker or in_title,
                    subject=title if marker else subject,
                    body=body.get("stringValue", ""),
                    items=tuple(_item(each, marker or in_title, files) for each in case["relatedItems"]),
                )
            )
        return found


def _item(given: Mapping[str, Any], marker: str, files: Mapping[str, str]) -> Item:
    """A comment ends with the reference of its own case; one that does not is another text."""
    if given["type"] == "Comment":
        text = given["content"]["comment"]["body"].removesuffix(f"\n\nRef: {marker}")
        return Item("comment", text, given["relatedItemId"])
    if given["type"] == "File":
        return Item("file", files.get(given["content"]["file"]["fileArn"], "no such file"), given["relatedItemId"])
    return Item(given["type"], "", given["relatedItemId"])


CONNECT = Connect()
KINDS: Mapping[str, Kind] = {"support": Support(), "connect": CONNECT}


def draw(seed: int, submissions: int) -> tuple[list[Account], list[Planned]]:
    """The accounts and submissions of a run: the same for the same seed and number."""
    chance = random.Random(f"{seed}:plan")
    accounts = _accounts(min(MOST_ACCOUNTS, round(submissions / PER_ACCOUNT) + 2))
    with_connect = [account for account in accounts if account.connect]
    of_connect = [
        ("connect", with_connect[number % len(with_connect)]) for number in range(round(submissions * CONNECT_SHARE))
    ]
    tight = [account for account in accounts if account.tight]
    roomy = [account for account in accounts if not account.tight]
    owners = [account for account in tight for _case in range(TIGHT_SHARE)][: submissions - len(of_connect)]
    owners += [roomy[number % len(roomy)] for number in range(submissions - len(of_connect) - len(owners))]
    drawn = [*of_connect, *(("support", owner) for owner in owners)]
    chance.shuffle(drawn)
    return accounts, [_planned(number, kind, owner, chance) for number, (kind, owner) in enumerate(drawn, 1)]


def _accounts(number: int) -> list[Account]:
    ids = count(FIRST_ACCOUNT)
    return [
        Account(
            str(next(ids)),
            tight=index % TIGHT_EVERY == TIGHT_EVERY - 4,
            in_sets=index % IN_SETS_EVERY == 1,
            connect=index % CONNECT_EVERY == 0,
            untagged=index % (CONNECT_EVERY * UNTAGGED_EVERY) == CONNECT_EVERY,
        )
        for index in range(number)
    ]


def _planned(number: int, kind: str, account: Account, chance: random.Random) -> Planned:
    body = (
        f"Seen {chance.randint(2, 90)} times since {chance.randint(1, 23)}:00 UTC.\nExpected: none. Request {number}."
    )
    subject = f"Failover took {chance.randint(3, 40)} minutes, no. {number}"
    severity = chance.choice(SEVERITIES)
    files = _files(number, chance) if chance.random() < WITH_FILES[kind] else ()
    comment = f"Called {chance.randint(2, 9)} times about no. {number}."
    commented = kind == "connect" and chance.random() < WITH_COMMENT
    return Planned(number, kind, account, subject, severity, body, comment if commented else "", files)


def _files(number: int, chance: random.Random) -> tuple[File, ...]:
    """One or two small files, in several parts where they go as uploads."""
    return tuple(
        File(
            f"log-{number}-{index}.txt",
            f"{number} {index} ".encode() + chance.randbytes(chance.randint(50, 30_000)).hex().encode(),
        )
        for index in range(chance.randint(1, 2))
    )
