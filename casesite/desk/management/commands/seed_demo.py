"""`seed_demo [--if-empty] [--without-cases]`: people, teams, accounts and cases to look around with. In sandbox mode only."""

import os
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from casesite.cases.models import random_groups
from casesite.desk import demo, telling
from casesite.teams.members import give_role
from casesite.teams.models import AwsAccount, CannedText, Preferences, Team
from casesite.web.views import DEMO_SIGN_INS


class Command(BaseCommand):
    help = "Fill a site in sandbox mode with demo data. Sign-ins are written to demo-sign-ins.txt in the var folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there is a team already")
        parser.add_argument("--without-cases", action="store_true", help="only people, teams and accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("Demo data is for the sandbox only: CASESITE_AWS is live here.")
        if options["if_empty"] and Team.objects.exists():
            return
        with ThreadPoolExecutor() as threads:
            # Hashing passwords takes longer than all the rest, and needs neither the database nor this thread.
            passwords = {person.name: random_groups(3).lower() for person in demo.PEOPLE}
            hashes = {name: threads.submit(make_password, password) for name, password in passwords.items()}
            declare_at_simulator()
            make_accounts()
            with suppress(CommandError):  # one account of the story can't send
                call_command("check_accounts", *(account.account_id for account in demo.ACCOUNTS), stdout=self.stdout)
            made = make_people({name: hashed.result() for name, hashed in hashes.items()})
        write_sign_ins(settings.VAR / DEMO_SIGN_INS, {name: passwords[name] for name in made})
        if not options["without_cases"]:
            telling.tell_all(demo.STORIES)


def declare_at_simulator() -> None:
    """The accounts as "AWS" knows them: role, external id, plan."""
    for account in demo.ACCOUNTS:
        body = {
            "account_id": account.account_id,
            "plan": account.plan,
            "role_arn": account.role_arn,
            "external_id": account.external_id,
        }
        try:
            telling.simulator("accounts", **body)
        except URLError as exc:
            raise CommandError(
                f"The simulator at {settings.SANDBOX_URL} does not answer ({exc.reason}). Start `manage.py up` first."
            ) from exc


@transaction.atomic
def make_accounts() -> None:
    for account in demo.ACCOUNTS:
        team, _made = Team.objects.get_or_create(name=account.team)
        row, _made = AwsAccount.objects.get_or_create(
            account_id=account.account_id,
            defaults={
                "name": account.name,
                "role_arn": account.role_arn,
                "external_id": account.external_id,
                "review_policy": account.review_policy,
                "connect_regions": account.connect_regions,
                "cases_per_hour": account.cases_per_hour,
                "reserved_urgent": account.reserved_urgent,
            },
        )
        row.teams.add(team)
    for text in demo.TEXTS:
        own = {"subject": text.subject, "body": text.body}
        CannedText.objects.get_or_create(team=Team.objects.get(name=text.team), name=text.name, defaults=own)


@transaction.atomic
def make_people(hashes: dict[str, str]) -> list[str]:
    """The names of those who were not there yet; who was there stays as they are."""
    made = []
    for person in demo.PEOPLE:
        user, is_new = get_user_model().objects.get_or_create(
            username=person.name,
            defaults={
                "password": hashes[person.name],
                "is_staff": person.superuser,
                "is_superuser": person.superuser,
            },
        )
        if not is_new:
            continue
        for team, role in person.roles.items():
            give_role(user, Team.objects.get(name=team), role)
        if person.time_zone:
            Preferences.objects.create(user=user, time_zone=person.time_zone)
        made.append(person.name)
    return made


def write_sign_ins(path: Path, passwords: dict[str, str]) -> None:
    """Name, password and role, a line each, for the owner's eyes only. People who were there keep their line."""
    if not passwords:
        return
    kept = path.read_text().splitlines() if path.exists() else []
    lines = [line for line in kept if line.partition(", ")[0] not in passwords]
    lines += [
        f"{person.name}, {passwords[person.name]}, {person.role}" for person in demo.PEOPLE if person.name in passwords
    ]
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
