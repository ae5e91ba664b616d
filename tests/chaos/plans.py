"""What is to be submitted, drawn from the seed before anything runs.

A kind of submission says how it is written into its form and how AWS shows it afterwards. Another one is added to KINDS.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from tests.e2e.office import CATEGORY, SERVICE
from tests.sandboxes import Sandbox

SEVERITIES = ("low", "normal", "normal", "normal", "high", "urgent", "critical")
FIRST_ACCOUNT = 510_000_000_001
PER_ACCOUNT = 18  # submissions, so that none waits long for its account's pace
MOST_ACCOUNTS = 40
TIGHT_EVERY = 9  # one account of so many keeps AWS's limit of ten cases an hour
TIGHT_SHARE = 9  # submissions in such an account: more than an hour takes
IN_SETS_EVERY = 3  # one account of so many may not upload: files go as sets


@dataclass(frozen=True)
class Account:
    """An AWS account made for a run."""

    account_id: str
    tight: bool
    in_sets: bool


@dataclass(frozen=True)
class File:
    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class AtAws:
    """A case as AWS has it."""

    remote_id: str
    account_id: str
    marker: str
    subject: str
    body: str
    files: tuple[str, ...]  # SHA-256 of each


@dataclass(frozen=True)
class Planned:
    """One submission to be made. Its subject tells it from all others."""

    number: int
    kind: str
    account: Account
    subject: str
    severity: str
    body: str
    files: tuple[File, ...] = ()
    seen: dict[str, str] = field(default_factory=dict, compare=False)  # what its author was told: the reference


class Kind(Protocol):
    """A kind of submission."""

    address: str  # of the empty form
    operation: str  # by which it is opened at AWS

    def fields(self, planned: Planned, account_key: int) -> dict[str, str]:
        """What its author puts into the form."""
        ...

    def at_aws(self, sandbox: Sandbox) -> list[AtAws]:
        """All cases of this kind that AWS has, whether it shows them or not."""
        ...


class Support:
    """Cases of AWS Support, with files or without."""

    address = "/cases/new/support/"
    operation = "support.CreateCase"

    def fields(self, planned: Planned, account_key: int) -> dict[str, str]:
        return {
            "account": str(account_key),
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
                files=tuple(file.sha256 for file in case.attachments),
            )
            for case in sandbox.cases()
        ]


KINDS: Mapping[str, Kind] = {"support": Support()}


def draw(seed: int, submissions: int) -> tuple[list[Account], list[Planned]]:
    """The accounts and submissions of a run: the same for the same seed and number."""
    chance = random.Random(f"{seed}:plan")
    accounts = _accounts(min(MOST_ACCOUNTS, round(submissions / PER_ACCOUNT) + 2))
    tight = [account for account in accounts if account.tight]
    roomy = [account for account in accounts if not account.tight]
    owners = [account for account in tight for _case in range(TIGHT_SHARE)][:submissions]
    owners += [roomy[number % len(roomy)] for number in range(submissions - len(owners))]
    chance.shuffle(owners)
    return accounts, [_planned(number, owner, chance) for number, owner in enumerate(owners, 1)]


def _accounts(number: int) -> list[Account]:
    ids = count(FIRST_ACCOUNT)
    return [
        Account(str(next(ids)), tight=index % TIGHT_EVERY == TIGHT_EVERY - 4, in_sets=index % IN_SETS_EVERY == 1)
        for index in range(number)
    ]


def _planned(number: int, account: Account, chance: random.Random) -> Planned:
    body = (
        f"Seen {chance.randint(2, 90)} times since {chance.randint(1, 23)}:00 UTC.\nExpected: none. Request {number}."
    )
    return Planned(
        number=number,
        kind=chance.choice(tuple(KINDS)),
        account=account,
        subject=f"Failover took {chance.randint(3, 40)} minutes, no. {number}",
        severity=chance.choice(SEVERITIES),
        body=body,
        files=_files(number, chance) if chance.random() < 0.2 else (),
    )


def _files(number: int, chance: random.Random) -> Sequence[File]:
    """One or two small files, in several parts where they go as uploads."""
    return tuple(
        File(
            f"log-{number}-{index}.txt",
            f"{number} {index} ".encode() + chance.randbytes(chance.randint(50, 30_000)).hex().encode(),
        )
        for index in range(chance.randint(1, 2))
    )
