"""Puts a person into a team, and makes their sign-in where there is none. Safe to repeat."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from casesite.teams.members import give_role
from casesite.teams.models import Role, Team


class Command(BaseCommand):
    help = "Give a person a role in a team; the person is made if new, and may open the admin as reviewer or lead."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--team", required=True, help="the name of a team that is there")
        parser.add_argument("--role", choices=Role.values, help="default: agent, or the role the person has there")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        team = _team(options["team"])
        password = _read_password() if options["password_stdin"] else None
        with transaction.atomic():
            user = self._person(options["username"], password)
            had = user.memberships.filter(team=team).first()
            role = Role(options["role"] or (had.role if had else Role.AGENT))
            _membership, new = give_role(user, team, role)
        self.stdout.write(f"{user} {'joined' if new else 'is in'} {team} as {role.value}.")

    def _person(self, username: str, password: str | None) -> Any:
        """The person of that name, with the password where one is given."""
        people = get_user_model()
        user = people.objects.filter(username=username).first()
        made = user is None
        if user is None:
            user = people(username=username)
            user.set_unusable_password()
            _check(user)
        if password is not None:
            self._warn_of_weak(password, user)
            user.set_password(password)
        if made or password is not None:
            user.save()
            self.stdout.write(f"Made the sign-in {username}." if made else f"Set the password of {username}.")
        if not user.has_usable_password():
            self.stderr.write(f"{username} can't sign in yet: give --password-stdin, or set a password in the admin.")
        return user

    def _warn_of_weak(self, password: str, user: Any) -> None:
        """Whoever runs this command decides, but is told."""
        try:
            validate_password(password, user)
        except ValidationError as exc:
            self.stderr.write(f"A weak password: {' '.join(exc.messages)}")


def _team(name: str) -> Team:
    team = Team.objects.filter(name=name).first()
    if team is None:
        there = ", ".join(Team.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no team {name!r} (teams: {there}). `add_account --team` makes one.")
    return team


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("--password-stdin was given, but standard input holds no password.")
    return password


def _check(user: Any) -> None:
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as exc:
        raise CommandError(" ".join(exc.messages)) from exc
