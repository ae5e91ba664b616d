"""People, teams and accounts in the admin: who sees and changes what."""

import pytest
from django.contrib.auth import get_user_model

from casesite.teams.models import AwsAccount, Membership, Role, Team
from tests.factories import PASSWORD, a_catalog, a_draft, a_team, a_user, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return a_team("Payments")


@pytest.fixture
def foreign():
    return a_team("Foreign")


@pytest.fixture
def lead(client, team):
    lead = a_user("m.silva", team=team, role=Role.LEAD)
    client.force_login(lead)
    return lead


@pytest.fixture
def root(client):
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    client.force_login(root)
    return root


def account_form(account: AwsAccount, **changes) -> dict:
    columns = (
        "name",
        "role_arn",
        "external_id",
        "review_policy",
        "second_approval",
        "review_minutes",
        "approval_hours",
        "unknown_policy",
    )
    fields = {column: getattr(account, column) for column in (*columns, "cases_per_hour", "reserved_urgent")}
    return fields | {"active": "on", "teams": [team.pk for team in account.teams.all()]} | changes


def team_form(team: Team, *new: tuple[str, str], **changes) -> dict:
    """The page of a team as posted: its members as they are, and new ones."""
    members = list(team.memberships.order_by("user__username"))
    fields = {
        "name": team.name,
        "memberships-TOTAL_FORMS": len(members) + len(new),
        "memberships-INITIAL_FORMS": len(members),
    }
    for at, member in enumerate(members):
        fields |= {f"memberships-{at}-id": member.pk, f"memberships-{at}-role": member.role}
    for at, (username, role) in enumerate(new, start=len(members)):
        fields |= {f"memberships-{at}-username": username, f"memberships-{at}-role": role}
    return fields | changes


def names_in(answer) -> list[str]:
    return [str(row) for row in answer.context["cl"].result_list]


# --- accounts --------------------------------------------------------------------------------------------------------------------
def test_lead_lists_the_accounts_of_led_teams(client, lead, team, foreign):
    mine = an_account(team, name="Mine")
    an_account(foreign, name="Theirs")
    other = a_team()
    Membership.objects.create(user=lead, team=other, role=Role.REVIEWER)
    an_account(other, name="Reviewed")

    assert names_in(client.get("/admin/teams/awsaccount/")) == [str(mine)]


def test_account_of_two_led_teams_stands_there_once(client, lead, team):
    other = a_team()
    Membership.objects.create(user=lead, team=other, role=Role.LEAD)
    account = an_account(team, other)

    assert names_in(client.get("/admin/teams/awsaccount/")) == [str(account)]


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_foreign_account_is_not_found(client, lead, foreign, page):
    account = an_account(foreign)

    assert client.get(f"/admin/teams/awsaccount/{account.pk}/{page}/").status_code == 404
    assert client.post(f"/admin/teams/awsaccount/{account.pk}/{page}/").status_code == 404


def test_unknown_account_is_not_found(client, root):
    assert client.get("/admin/teams/awsaccount/4711/change/").status_code == 404


def test_lead_changes_settings_and_the_time_is_noted(client, lead, team, clock):
    account = an_account(team)

    answer = client.post(
        f"/admin/teams/awsaccount/{account.pk}/change/",
        account_form(account, role_arn=f"arn:aws:iam::{account.account_id}:role/CaseOpener"),
    )

    account.refresh_from_db()
    assert answer.status_code == 302
    assert account.role_arn.endswith(":role/CaseOpener")
    assert account.settings_changed_at == clock.now
    assert account.history.first().history_user == lead


@pytest.mark.parametrize("changes", [{"name": "Another"}, {"cases_per_hour": 20}, {}])
def test_name_and_pace_ask_for_no_new_check(client, lead, team, changes):
    account = an_account(team)

    client.post(f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, **changes))

    account.refresh_from_db()
    assert account.settings_changed_at is None


def test_lead_takes_no_account_from_or_to_a_foreign_team(client, lead, team, foreign):
    account = an_account(team, foreign)
    third = a_team("Third")

    refused = client.post(
        f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, teams=[team.pk, third.pk])
    )
    kept = client.post(f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, teams=[team.pk]))

    assert "not one of the available choices" in refused.content.decode()
    assert kept.status_code == 302
    assert set(account.teams.all()) == {team, foreign}


def test_form_of_a_lead_names_no_foreign_team(client, lead, team, foreign):
    account = an_account(team, foreign)

    assert "Foreign" not in client.get(f"/admin/teams/awsaccount/{account.pk}/change/").content.decode()


def test_account_id_stays_as_it_is(client, lead, team):
    account = an_account(team)

    client.post(f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, account_id="999999999999"))

    assert AwsAccount.objects.get().account_id == account.account_id


def test_only_superusers_add_accounts(client, lead):
    assert client.get("/admin/teams/awsaccount/add/").status_code == 403


def test_superuser_adds_an_account(client, root, team, clock):
    fields = account_form(an_account(), account_id="123456789012", name="New", teams=[team.pk])

    assert client.post("/admin/teams/awsaccount/add/", fields).status_code == 302

    account = AwsAccount.objects.get(account_id="123456789012")
    assert ([*account.teams.all()], account.settings_changed_at) == ([team], clock.now)


def test_fault_is_told_at_its_field(client, root, team):
    account = an_account(team)

    html = client.post(
        f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, reserved_urgent=10)
    ).content

    assert "Keep fewer than the cases per hour" in html.decode()


def test_settings_of_review_that_contradict_each_other_are_told_at_the_field(client, lead, team):
    account = an_account(team)
    address = f"/admin/teams/awsaccount/{account.pk}/change/"

    refused = client.post(address, account_form(account, review_policy="never", second_approval="always"))
    taken = client.post(address, account_form(account, second_approval="urgent"))

    assert "nobody approves them, let alone two" in refused.content.decode()
    account.refresh_from_db()
    assert (taken.status_code, account.review_policy, account.second_approval) == (302, "always", "urgent")


def test_lead_enters_the_plans_first_response_and_the_form_shows_it(client, lead, team):
    account = an_account(team)
    a_catalog(account)
    address = f"/admin/teams/awsaccount/{account.pk}/change/"
    assert "answer in 30\u00a0min or less, by the plan" in client.get("/cases/new/support/").content.decode()

    answer = client.post(address, account_form(account, first_response="critical=15, low=2880"))

    account.refresh_from_db()
    assert (answer.status_code, account.first_response) == (302, "critical=15, low=2880")
    page = client.get("/cases/new/support/").content.decode()
    assert "answer in 15\u00a0min" in page
    assert "answer in 48\u00a0h" in page
    assert "by the plan" not in page
    assert 'value="critical=15, low=2880"' in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("critical", "critical"),
        ("critical=15, urgent=soon", "urgent=soon"),
        ("critical=0", "critical=0"),
        ("low=10081", "low=10081"),  # more than a week
    ],
)
def test_first_response_that_is_none_is_told_at_its_field_with_an_example(client, lead, team, typed, part):
    account = an_account(team)

    refused = client.post(f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, first_response=typed))

    form = refused.context["adminform"].form
    message = f"“{part}” is no target. Write severity=minutes, for instance critical=15."
    assert form.errors == {"first_response": [message]}
    row = refused.content.decode().split("field-first_response")[1].split("form-row")[0]
    assert message in row
    assert f'value="{typed}"' in row
    account.refresh_from_db()
    assert account.first_response == ""


def test_account_with_cases_is_not_deleted(client, root, team):
    used, unused = a_draft(team=team).account, an_account(team)

    refused = client.post(f"/admin/teams/awsaccount/{used.pk}/delete/", {"post": "yes"})
    assert (refused.status_code, "Cases belong to it" in refused.content.decode()) == (403, True)
    assert client.post(f"/admin/teams/awsaccount/{unused.pk}/delete/", {"post": "yes"}).status_code == 302
    assert set(AwsAccount.objects.all()) == {used}


def test_check_is_shown_with_what_was_found(client, lead, team):
    finding = {"name": "Plan", "state": "blocked", "text": "<b>No plan</b>", "todo": "Buy one."}
    account = an_account(team, check_result="blocked", check_summary="No Support plan", check_details=[finding])

    html = client.get(f"/admin/teams/awsaccount/{account.pk}/change/").content.decode()

    assert "No Support plan" in html
    assert "&lt;b&gt;No plan&lt;/b&gt;" in html
    assert '<span class="chip bad">' in html


def test_history_shows_who_changed_what(client, lead, team):
    account = an_account(team, name="Before")
    client.post(f"/admin/teams/awsaccount/{account.pk}/change/", account_form(account, name="After"))

    html = client.get(f"/admin/teams/awsaccount/{account.pk}/history/").content.decode()

    assert "<del>Before</del> <ins>After</ins>" in html
    assert "m.silva" in html
    assert "style=" not in html


# --- teams and members -------------------------------------------------------------------------------------------------------------
def test_lead_sees_led_teams_alone(client, lead, team, foreign):
    assert names_in(client.get("/admin/teams/team/")) == ["Payments"]
    assert client.get(f"/admin/teams/team/{foreign.pk}/change/").status_code == 404
    assert client.post(f"/admin/teams/team/{foreign.pk}/change/", team_form(foreign)).status_code == 404
    assert client.get("/admin/teams/team/add/").status_code == 403


def test_lead_takes_a_person_in_by_name(client, lead, team):
    person = a_user("a.okafor")

    answer = client.post(f"/admin/teams/team/{team.pk}/change/", team_form(team, ("a.okafor", "reviewer")))

    person.refresh_from_db()
    assert answer.status_code == 302
    assert (person.memberships.get().role, person.is_staff) == ("reviewer", True)


def test_lead_changes_a_role_and_the_admin_closes(client, lead, team):
    person = a_user("z.last", team=team, role=Role.REVIEWER)

    client.post(f"/admin/teams/team/{team.pk}/change/", team_form(team, **{"memberships-1-role": "agent"}))

    person.refresh_from_db()
    assert (person.memberships.get().role, person.is_staff) == ("agent", False)


def test_lead_lets_a_member_go(client, lead, team):
    person = a_user("z.last", team=team, role=Role.REVIEWER)

    client.post(f"/admin/teams/team/{team.pk}/change/", team_form(team, **{"memberships-1-DELETE": "on"}))

    person.refresh_from_db()
    assert (person.memberships.count(), person.is_staff) == (0, False)


def test_member_cannot_be_swapped_for_another_person(client, lead, team):
    person = a_user("z.last", team=team)
    a_user("other")

    client.post(f"/admin/teams/team/{team.pk}/change/", team_form(team, **{"memberships-1-username": "other"}))

    assert team.memberships.get(user=person).role == "agent"
    assert team.memberships.count() == 2


def test_membership_of_a_foreign_team_cannot_be_reached_through_ones_own(client, lead, team, foreign):
    theirs = Membership.objects.create(user=a_user("victim"), team=foreign, role=Role.AGENT)
    fields = team_form(team) | {
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 2,
        "memberships-1-id": theirs.pk,
        "memberships-1-role": "lead",
    }

    client.post(f"/admin/teams/team/{team.pk}/change/", fields)

    theirs.refresh_from_db()
    assert (theirs.role, theirs.team) == ("agent", foreign)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ([("nobody", "agent")], "Nobody has this username"),
        ([("m.silva", "agent")], "This person is in the team already"),
        ([("a.okafor", "agent"), ("a.okafor", "lead")], "This person is in the team already"),
        ([("", "reviewer")], "This field is required"),
    ],
)
def test_wrong_member_is_told(client, lead, team, new, words):
    a_user("a.okafor")

    answer = client.post(f"/admin/teams/team/{team.pk}/change/", team_form(team, *new))

    assert words in answer.content.decode()
    assert team.memberships.count() == 1


def test_team_with_cases_is_not_deleted_and_members_of_a_deleted_one_lose_the_admin(client, root, team, foreign):
    a_draft(team=team)
    reviewer = a_user(team=foreign, role=Role.REVIEWER)

    assert client.post(f"/admin/teams/team/{team.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/teams/team/{foreign.pk}/delete/", {"post": "yes"}).status_code == 302
    reviewer.refresh_from_db()
    assert (set(Team.objects.all()), reviewer.is_staff) == ({team}, False)


def test_lead_deletes_no_team(client, lead):
    empty = a_team()
    Membership.objects.create(user=lead, team=empty, role=Role.LEAD)

    assert client.post(f"/admin/teams/team/{empty.pk}/delete/", {"post": "yes"}).status_code == 403


# --- people ------------------------------------------------------------------------------------------------------------------------
def test_people_are_for_superusers(client, lead):
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get(f"/admin/auth/user/{lead.pk}/change/").status_code == 403
    assert client.get(f"/admin/auth/user/{lead.pk}/password/").status_code == 403


def test_superuser_makes_a_person_with_a_role(client, root, team):
    answer = client.post(
        "/admin/auth/user/add/",
        {
            "username": "new",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "memberships-TOTAL_FORMS": 1,
            "memberships-INITIAL_FORMS": 0,
            "memberships-0-team": team.pk,
            "memberships-0-role": "reviewer",
        },
    )

    person = get_user_model().objects.get(username="new")
    assert answer.status_code == 302
    assert (person.memberships.get().role, person.is_staff, person.is_superuser) == ("reviewer", True, False)


def test_superuser_sets_a_password(client, root):
    person = a_user()
    new = "a better staple for horses"

    answer = client.post(
        f"/admin/auth/user/{person.pk}/password/", {"password1": new, "password2": new, "set-password": "yes"}
    )

    person.refresh_from_db()
    assert answer.status_code == 302
    assert person.check_password(new)


def test_person_with_cases_is_not_deleted(client, root, team):
    author, idle = a_draft(team=team).author, a_user()

    assert client.post(f"/admin/auth/user/{author.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/auth/user/{idle.pk}/delete/", {"post": "yes"}).status_code == 302


def test_no_box_gives_the_admin_away(client, root):
    html = client.get(f"/admin/auth/user/{root.pk}/change/").content.decode()

    assert 'name="is_superuser"' in html
    assert not [name for name in ("is_staff", "groups", "user_permissions") if f'name="{name}"' in html]


# --- lists and looks ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("kind", ["team", "awsaccount"])
def test_lists_ask_the_same_few_questions_however_long(client, lead, team, rows, kind, django_assert_max_num_queries):
    for _row in range(rows):
        led = a_team()
        Membership.objects.create(user=lead, team=led, role=Role.LEAD)
        an_account(led)

    with django_assert_max_num_queries(8):
        client.get(f"/admin/teams/{kind}/")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/",
        "/admin/teams/",
        "/admin/teams/team/",
        "/admin/teams/team/add/",
        "/admin/teams/awsaccount/",
        "/admin/teams/awsaccount/add/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
    ],
)
def test_admin_has_the_sites_frame_and_one_heading(client, root, team, address):
    an_account(team)

    html = client.get(address).content.decode()

    assert '<header class="top">' in html
    assert html.count("<h1") == 1
    assert "admin/css/" not in html
    assert " style=" not in html
    assert "<style" not in html


@pytest.mark.parametrize("role", [Role.AGENT, Role.REVIEWER])
@pytest.mark.parametrize("address", ["/admin/teams/team/", "/admin/teams/awsaccount/", "/admin/auth/user/"])
def test_pages_of_leads_are_closed_to_others(client, team, role, address):
    client.force_login(a_user(team=team, role=role))

    assert client.get(address, follow=True).status_code == 403
