"""add_account and add_member: they say what they do, and may be repeated."""

import io

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from casesite.teams.models import AwsAccount, Membership, Role, Team
from tests.factories import a_team, a_user, an_account

pytestmark = pytest.mark.django_db


def run(*args: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def typed(monkeypatch):
    """What stands on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


# --- add_account ---------------------------------------------------------------------------------------------------------------
def test_account_is_added_with_all_that_is_given(clock):
    out, err = run(
        "add_account",
        "111122223333",
        "--name=Payments prod",
        "--team=Payments",
        "--team=Core",
        "--role-arn=arn:aws:iam::111122223333:role/CaseOpener",
        "--external-id=casesite",
        "--review-policy=after_urgent",
        "--second-approval=always",
        "--cases-per-hour=12",
        "--reserve=4",
    )

    account = AwsAccount.objects.get()
    assert (account.account_id, account.name, account.role_arn, account.external_id) == (
        "111122223333",
        "Payments prod",
        "arn:aws:iam::111122223333:role/CaseOpener",
        "casesite",
    )
    assert (account.review_policy, account.second_approval) == ("after_urgent", "always")
    assert (account.cases_per_hour, account.reserved_urgent) == (12, 4)
    assert [team.name for team in account.teams.all()] == ["Core", "Payments"]
    assert account.settings_changed_at == clock.now
    assert out.splitlines() == [
        "Added account Payments prod (1111 2222 3333).",
        "Made team Payments.",
        "Team Payments may use it now.",
        "Made team Core.",
        "Team Core may use it now.",
    ]
    assert err == ""


def test_account_without_a_name_is_called_by_its_number():
    run("add_account", "111122223333", "--team=Payments")

    assert AwsAccount.objects.get().name == "1111 2222 3333"


def test_repeating_changes_nothing(clock):
    call = ("add_account", "111122223333", "--name=Payments prod", "--team=Payments", "--cases-per-hour=12")
    run(*call)
    clock.advance(minutes=5)

    out, _err = run(*call)

    assert out == "Account Payments prod (1111 2222 3333) is there already, nothing to change.\n"
    assert AwsAccount.objects.get().settings_changed_at < clock.now


def test_what_is_given_changes_and_the_rest_stays(clock):
    account = an_account(a_team("Payments"), name="Payments prod", cases_per_hour=12, role_arn="")

    out, _err = run("add_account", account.account_id, "--external-id=casesite", "--team=Core")

    account.refresh_from_db()
    assert (account.name, account.cases_per_hour, account.external_id) == ("Payments prod", 12, "casesite")
    assert account.settings_changed_at == clock.now
    assert {team.name for team in account.teams.all()} == {"Payments", "Core"}
    assert out.splitlines()[0].endswith(": external_id.")


def test_name_and_pace_are_no_reason_for_another_check():
    account = an_account(a_team())

    run("add_account", account.account_id, "--name=Another", "--cases-per-hour=20")

    account.refresh_from_db()
    assert (account.name, account.settings_changed_at) == ("Another", None)


def test_account_that_no_team_uses_is_told():
    _out, err = run("add_account", "111122223333")

    assert "No team uses this account yet" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("1111",), "account_id: An AWS account id has 12 digits."),
        (
            ("111122223333", "--role-arn=arn:aws:iam::999922223333:role/x"),
            "role_arn: This role belongs to another account.",
        ),
        (("111122223333", "--reserve=10"), "reserved_urgent: Keep fewer"),
        (("111122223333", "--cases-per-hour=0"), "cases_per_hour: Ensure"),
        (("111122223333", "--review-policy=sometimes"), "invalid choice"),
        (("111122223333", "--review-policy=never", "--second-approval=always"), "second_approval: Cases of this"),
        (("111122223333", f"--team={'x' * 81}"), "name: Ensure"),
    ],
)
def test_fault_is_one_line_and_nothing_is_kept(args, words):
    with pytest.raises(CommandError, match=words):
        run("add_account", *args)

    assert not AwsAccount.objects.exists()
    assert not Team.objects.exists()


# --- add_member ----------------------------------------------------------------------------------------------------------------
def test_person_is_made_and_joins(typed):
    a_team("Payments")
    typed("a long pass phrase\n")

    out, err = run("add_member", "m.silva", "--team=Payments", "--role=lead", "--password-stdin")

    person = get_user_model().objects.get()
    assert person.check_password("a long pass phrase")
    assert (person.is_staff, person.is_superuser) == (True, False)
    assert Membership.objects.get().role == Role.LEAD
    assert out.splitlines() == ["Made the sign-in m.silva.", "m.silva joined Payments as lead."]
    assert err == ""


def test_agent_is_no_staff_and_is_told_to_lack_a_password():
    a_team("Payments")

    _out, err = run("add_member", "r.haas", "--team=Payments")

    person = get_user_model().objects.get()
    assert (person.is_staff, person.has_usable_password()) == (False, False)
    assert Membership.objects.get().role == Role.AGENT
    assert "can't sign in yet" in err


def test_repeating_keeps_role_and_password():
    person = a_user("m.silva", team=a_team("Payments"), role=Role.REVIEWER)
    password = person.password

    out, err = run("add_member", "m.silva", "--team=Payments")

    person.refresh_from_db()
    assert (person.password, person.memberships.get().role, person.is_staff) == (password, Role.REVIEWER, True)
    assert (out, err) == ("m.silva is in Payments as reviewer.\n", "")


def test_new_role_and_password_replace_the_old(typed):
    person = a_user("m.silva", team=a_team("Payments"), role=Role.LEAD)
    typed("another pass phrase")

    out, _err = run("add_member", "m.silva", "--team=Payments", "--role=agent", "--password-stdin")

    person.refresh_from_db()
    assert person.check_password("another pass phrase")
    assert (person.memberships.get().role, person.is_staff) == (Role.AGENT, False)
    assert out.splitlines() == ["Set the password of m.silva.", "m.silva is in Payments as agent."]


def test_role_in_another_team_keeps_the_admin_open():
    person = a_user("m.silva", team=a_team("Core"), role=Role.REVIEWER)
    a_team("Payments")

    run("add_member", "m.silva", "--team=Payments", "--role=agent")

    person.refresh_from_db()
    assert person.is_staff


def test_weak_password_is_told(typed):
    a_team("Payments")
    typed("short\n")

    _out, err = run("add_member", "m.silva", "--team=Payments", "--password-stdin")

    assert err.startswith("A weak password: This password is too short.")
    assert get_user_model().objects.get().check_password("short")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("m.silva", "--team=Nobody"), r"There is no team 'Nobody' \(teams: Core, Payments\)"),
        (("m silva", "--team=Core"), "Enter a valid username"),
        (("m.silva", "--team=Core", "--role=boss"), "invalid choice"),
        (("m.silva", "--team=Core", "--password-stdin"), "standard input holds no password"),
    ],
)
def test_fault_of_a_member_is_one_line_and_nobody_is_made(args, words, typed):
    a_team("Core")
    a_team("Payments")
    typed("\n")

    with pytest.raises(CommandError, match=words):
        run("add_member", *args)

    assert not get_user_model().objects.exists()
