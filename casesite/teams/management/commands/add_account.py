"""Puts an AWS account in the care of teams, or changes what is known about it. Safe to repeat."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from casesite import clock
from casesite.teams.models import AwsAccount, ReviewPolicy, SecondApproval, Team
from casesite.teams.regions import named_in

# The command's word and the account's column.
COLUMNS = {
    "name": "name",
    "role_arn": "role_arn",
    "external_id": "external_id",
    "review_policy": "review_policy",
    "second_approval": "second_approval",
    "review_within": "review_minutes",
    "cases_per_hour": "cases_per_hour",
    "reserve": "reserved_urgent",
    "region": "connect_regions",
    "first_response": "first_response",
}


class Command(BaseCommand):
    help = "Add an AWS account and the teams that use it; on an account that is there, change what is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account_id", help="12 digits")
        parser.add_argument("--name", help='what people call it, for instance "Payments prod"')
        parser.add_argument("--team", action="append", default=[], help="a team that uses it, made if new; repeatable")
        parser.add_argument("--role-arn", help="the role that workers assume; empty: the site's own credentials")
        parser.add_argument("--external-id", help="the external id that the role asks for")
        parser.add_argument("--review-policy", choices=ReviewPolicy.values)
        parser.add_argument("--second-approval", choices=SecondApproval.values, help="which cases two people approve")
        parser.add_argument("--review-within", type=int, help="minutes until leads are told of what waits; 0: never")
        parser.add_argument("--cases-per-hour", type=int, help="how many cases may go out in an hour")
        parser.add_argument("--reserve", type=int, help="how many of these are kept for urgent and critical cases")
        parser.add_argument("--first-response", help='what the plan promises, in minutes, for instance "critical=15"')
        parser.add_argument("--region", action="append", help="a region with Amazon Connect Cases; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["region"] is not None:
            options["region"] = ", ".join(named_in(" ".join(options["region"])))
        given = {COLUMNS[word]: options[word] for word in COLUMNS if options[word] is not None}
        with transaction.atomic():
            account = AwsAccount.objects.filter(account_id=options["account_id"]).first()
            if account is None:
                account = self._add(options["account_id"], given)
            else:
                self._change(account, given)
            for name in options["team"]:
                self._let_use(account, name)
        if not account.teams.exists():
            self.stderr.write("No team uses this account yet: give --team.")

    def _add(self, account_id: str, given: dict[str, Any]) -> AwsAccount:
        account = AwsAccount(account_id=account_id, **given)
        account.name = account.name or account.grouped_id
        _check(account)
        account.settings_changed_at = clock.now()
        account.save()
        self.stdout.write(f"Added account {account}.")
        return account

    def _change(self, account: AwsAccount, given: dict[str, Any]) -> None:
        changed = {column: value for column, value in given.items() if getattr(account, column) != value}
        if not changed:
            self.stdout.write(f"Account {account} is there already, nothing to change.")
            return
        for column, value in changed.items():
            setattr(account, column, value)
        _check(account)
        columns = [*changed]
        if any(column in AwsAccount.WEIGHTY for column in changed):
            account.settings_changed_at = clock.now()
            columns.append("settings_changed_at")
        account.save(update_fields=columns)
        self.stdout.write(f"Changed account {account}: {', '.join(changed)}.")

    def _let_use(self, account: AwsAccount, name: str) -> None:
        team = Team.objects.filter(name=name).first()
        if team is None:
            team = Team(name=name)
            _check(team)
            team.save()
            self.stdout.write(f"Made team {name}.")
        if not account.teams.filter(pk=team.pk).exists():
            account.teams.add(team)
            self.stdout.write(f"Team {name} may use it now.")


def _check(row: AwsAccount | Team) -> None:
    """Every rule of the model, as one line each."""
    try:
        row.full_clean()
    except ValidationError as exc:
        raise CommandError("\n".join(f"{field}: {' '.join(told)}" for field, told in exc.message_dict.items())) from exc
