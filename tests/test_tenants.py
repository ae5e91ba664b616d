"""Who gets what at which address: every URL of the site, every role, members of the team and strangers to it."""

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from casesite import clock
from casesite.cases.models import Case, CaseFile, SupportContent
from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate, TemplateCheck
from casesite.desk.drafts import new_token
from casesite.lookups.models import Lookup
from casesite.review.models import Viewing
from casesite.submissions.models import Decision, Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CannedText, Membership, Preferences, Team
from tests.e2e.http import forms_in
from tests.worlds import World, routes

pytestmark = pytest.mark.django_db

# Of the team that owns it all: the author of its cases, another agent, a reviewer, a lead. The same of another team. A
# superuser in no team.
PEOPLE = ("nobody", "author", "agent", "reviewer", "lead", "f_agent", "f_reviewer", "f_lead", "superuser")
STRANGERS = ("nobody", "f_agent", "f_reviewer", "f_lead")

READING = """
address                                                       nobody     author     agent      reviewer   lead       f_agent    f_reviewer f_lead     superuser
accounts/login/                                               200        302        302        302        302        302        302        302        302
accounts/logout/                                              405        405        405        405        405        405        405        405        405
accounts/password/                                            302        200        200        200        200        200        200        200        200
admin/login/                                                  302        403        403        403        403        403        403        403        403
admin/logout/                                                 405        405        405        405        405        405        405        405        405
admin/password_change/                                        302        302        302        302        302        302        302        302        302
accounts/settings/                                            302        200        200        200        200        200        200        200        200
lookups/<int:pk>/                                             302        200        200        200        200        404        404        404        200
lookups/<int:pk>/again/                                       302        405        405        405        405        405        405        405        405
accounts/                                                     302        200        200        200        200        200        200        200        200
accounts/<int:pk>/                                            302        200        200        200        200        404        404        404        200
accounts/<int:pk>/check/                                      302        405        405        405        405        405        405        405        405
accounts/<int:pk>/refresh/                                    302        405        405        405        405        405        405        405        405
accounts/<int:pk>/templates/                                  302        405        405        405        405        405        405        405        405
templates/<int:pk>/                                           302        200        200        200        200        404        404        404        200
/                                                             302        200        200        200        200        200        200        200        200
cases/                                                        302        200        200        200        200        200        200        200        200
cases/new/support/                                            302        200        200        200        200        200        200        200        403
cases/new/support/save/                                       302        405        405        405        405        405        405        405        405
cases/new/connect/                                            302        200        200        200        200        200        200        200        403
cases/new/connect/<int:pk>/                                   302        200        200        200        200        404        404        404        404
cases/new/connect/<int:pk>/save/                              302        405        405        405        405        405        405        405        405
cases/<reference:reference>/                                  302        200        200        200        200        404        404        404        404
cases/<reference:reference>/edit/                             302        302        403        403        403        404        404        404        404
cases/<reference:reference>/save/                             302        405        405        405        405        405        405        405        405
cases/<reference:reference>/state/                            302        200        200        200        200        404        404        404        404
cases/<reference:reference>/files/<uuid:key>/                 302        200        200        200        200        404        404        404        404
templates/<int:pk>/try/                                       302        200        200        200        200        404        404        404        200
templates/<int:pk>/checks/<int:check>/remove/                 302        405        405        405        405        405        405        405        405
cases/files/                                                  302        405        405        405        405        405        405        405        405
cases/files/<uuid:key>/scan/                                  302        204        404        404        404        404        404        404        404
queue/                                                        302        200        200        200        200        200        200        200        200
queue/state/                                                  302        200        200        200        200        200        200        200        200
queue/<uuid:pk>/                                              302        405        405        405        405        405        405        405        405
admin/                                                        302        302        302        200        200        302        200        200        200
admin/jsi18n/                                                 302        302        302        200        200        302        200        200        200
admin/delivery/                                               302        302        302        403        403        302        403        403        200
admin/teams/team/                                             302        302        302        403        200        302        403        200        200
admin/teams/team/add/                                         302        302        302        403        403        302        403        403        200
admin/teams/team/<path:object_id>/history/                    302        302        302        404        200        302        404        404        200
admin/teams/team/<path:object_id>/delete/                     302        302        302        404        403        302        404        404        403
admin/teams/team/<path:object_id>/change/                     302        302        302        403        200        302        403        404        200
admin/teams/team/<path:object_id>/                            302        302        302        302        302        302        302        302        302
admin/catalog/casesdomain/                                    302        302        302        403        200        302        403        200        200
admin/catalog/casesdomain/add/                                302        302        302        403        403        302        403        403        403
admin/catalog/casesdomain/<path:object_id>/history/           302        302        302        404        200        302        404        404        200
admin/catalog/casesdomain/<path:object_id>/delete/            302        302        302        404        403        302        404        404        403
admin/catalog/casesdomain/<path:object_id>/change/            302        302        302        403        200        302        403        404        200
admin/catalog/casesdomain/<path:object_id>/                   302        302        302        302        302        302        302        302        302
admin/catalog/connecttemplate/                                302        302        302        403        200        302        403        200        200
admin/catalog/connecttemplate/add/                            302        302        302        403        403        302        403        403        403
admin/catalog/connecttemplate/<path:object_id>/history/       302        302        302        404        200        302        404        404        200
admin/catalog/connecttemplate/<path:object_id>/delete/        302        302        302        404        403        302        404        404        403
admin/catalog/connecttemplate/<path:object_id>/change/        302        302        302        403        200        302        403        404        200
admin/catalog/connecttemplate/<path:object_id>/               302        302        302        302        302        302        302        302        302
admin/teams/awsaccount/                                       302        302        302        403        200        302        403        200        200
admin/teams/awsaccount/add/                                   302        302        302        403        403        302        403        403        200
admin/teams/awsaccount/<path:object_id>/history/              302        302        302        404        200        302        404        404        200
admin/teams/awsaccount/<path:object_id>/delete/               302        302        302        404        403        302        404        404        403
admin/teams/awsaccount/<path:object_id>/change/               302        302        302        403        200        302        403        404        200
admin/teams/awsaccount/<path:object_id>/                      302        302        302        302        302        302        302        302        302
admin/teams/cannedtext/                                       302        302        302        403        200        302        403        200        200
admin/teams/cannedtext/add/                                   302        302        302        403        200        302        403        200        200
admin/teams/cannedtext/<path:object_id>/history/              302        302        302        404        200        302        404        404        200
admin/teams/cannedtext/<path:object_id>/delete/               302        302        302        404        200        302        404        404        200
admin/teams/cannedtext/<path:object_id>/change/               302        302        302        403        200        302        403        404        200
admin/teams/cannedtext/<path:object_id>/                      302        302        302        302        302        302        302        302        302
admin/auth/user/<id>/password/                                302        302        302        403        403        302        403        403        200
admin/auth/user/                                              302        302        302        403        403        302        403        403        200
admin/auth/user/add/                                          302        302        302        403        403        302        403        403        200
admin/auth/user/<path:object_id>/history/                     302        302        302        403        403        302        403        403        200
admin/auth/user/<path:object_id>/delete/                      302        302        302        403        403        302        403        403        200
admin/auth/user/<path:object_id>/change/                      302        302        302        403        403        302        403        403        200
admin/auth/user/<path:object_id>/                             302        302        302        302        302        302        302        302        302
admin/submissions/submission/                                 302        302        302        200        200        302        200        200        200
admin/submissions/submission/approve/                         302        302        302        405        405        302        405        405        405
admin/submissions/submission/<uuid:pk>/change/                302        302        302        200        200        302        404        404        404
admin/submissions/submission/<uuid:pk>/attention/             302        302        302        403        200        302        404        404        404
admin/^(?P<app_label>teams|auth|catalog|submissions)/$        302        302        302        404        200        302        404        200        200
admin/(?P<url>.*)$                                            302        302        302        404        404        302        404        404        404
cases/?q=<draft>                                              302        200        200        200        200        200        200        200        200
queue/?team=<team>                                            302        200        200        200        200        404        404        404        404
cases/?q=Mice                                                 302        200        200        200        200        200        200        200        200
cases/?team=<team>                                            302        200        200        200        200        200        200        200        200
cases/?account=<account>                                      302        200        200        200        200        200        200        200        200
admin/submissions/submission/?q=Mice                          302        302        302        200        200        302        200        200        200
admin/submissions/submission/?state__exact=pending_review     302        302        302        200        200        302        200        200        200
admin/submissions/submission/?q=<marker>                      302        302        302        200        200        302        200        200        200
admin/submissions/submission/?q=<connect>                     302        302        302        200        200        302        200        200        200
admin/teams/awsaccount/?q=Owlery                              302        302        302        403        200        302        403        200        200
admin/teams/team/?q=Owls                                      302        302        302        403        200        302        403        200        200
admin/auth/user/?q=owl                                        302        302        302        403        403        302        403        403        200
"""
# `!` where something was changed. A POST that may hold text is answered by the sign-in page, which keeps it.
WRITING = """
address                                                       nobody     author     agent      reviewer   lead       f_agent    f_reviewer f_lead     superuser
new_connect_case                                              200        302!       302!       302!       302!       404        404        404        404
save_connect_by_itself                                        200        200!       200!       200!       200!       404        404        404        404
withdraw_connect                                              200        302!       403        302        302        404        404        404        404
new_case                                                      200        302!       302!       302!       302!       200        200        200        403
submit_new_case                                               200        302!       302!       302!       302!       200        200        200        403
save_new_by_itself                                            200        200!       200!       200!       200!       200        200        200        403
save_by_itself                                                200        200!       403        403        403        404        404        404        404
save_draft                                                    200        302!       403        403        403        404        404        404        404
submit_draft                                                  200        302!       403        403        403        404        404        404        404
add_file                                                      200        200!       200!       200!       200!       200!       200!       200!       403
take_foreign_file                                             200        302!       200        200        200        200        200        200        403
discard                                                       200        302!       403        302        302        404        404        404        404
bring_back                                                    200        302!       403        302        302        404        404        404        404
copy                                                          200        302!       302!       302!       302!       404        404        404        404
ask_aws_about_draft                                           200        200!       403        403        403        404        404        404        404
ask_aws                                                       200        302!       403        302        302        404        404        404        404
withdraw                                                      200        302!       403        302        302        404        404        404        404
cancel                                                        200        302!       403        302!       302!       404        404        404        404
hold                                                          200        302!       302        302!       302!       404        404        404        404
hold_too_long                                                 200        200        302        200        200        404        404        404        404
resume                                                        200        302!       302        302!       302!       404        404        404        404
send_now                                                      200        302        302        302        302!       404        404        404        404
cancel_in_queue                                               200        302!       302        302!       302!       404        404        404        404
approve                                                       200        302        302        302!       302!       302        404        404        404
return                                                        200        302        302        302!       302!       302        404        404        404
approve_several                                               200        302        302        302!       302!       302        302        302        302
reject                                                        200        302        302        302!       302!       302        404        404        404
send_again                                                    200        302        302        403        302!       302        404        404        404
give_up                                                       200        302        302        403        302!       302        404        404        404
take_over                                                     200        302        302        403        302!       302        404        404        404
look_at_sent                                                  200        302        302        302!       302!       302        404        404        404
look_up_at_aws                                                200        302        302        403        302!       302        404        404        404
check_account                                                 302        404        404        404        302!       404        404        404        302!
refresh_account                                               302        302!       302!       302!       302!       404        404        404        302!
fetch_templates                                               302        302!       302!       302!       302!       404        404        404        302!
try_filling                                                   302        200        200        200        200        404        404        404        200
save_check                                                    302        403        403        403        302!       404        404        404        302!
remove_check                                                  302        403        403        403        302!       404        404        404        302!
ask_again                                                     302        302!       302!       302!       302!       404        404        404        302!
ask_aws_again                                                 302        302!       302!       302!       302!       404        404        404        404
settings                                                      302        302!       302!       302!       302!       302!       302!       302!       302!
rename_team                                                   200        302        302        403        302!       302        403        404        302!
add_team                                                      200        302        302        403        403        302        403        403        302!
delete_team                                                   200        302        302        404        403        302        404        404        403
change_account                                                200        302        302        403        302!       302        403        404        302!
change_template                                               200        302        302        403        302!       302        403        404        302!
change_domain                                                 200        302        302        403        302!       302        403        404        302!
add_account                                                   200        302        302        403        403        302        403        403        302!
delete_account                                                200        302        302        404        403        302        404        404        403
add_text                                                      200        302        302        403        302!       302        403        200        302!
change_text                                                   200        302        302        403        302!       302        403        404        302!
delete_text                                                   200        302        302        404        302!       302        404        404        302!
change_person                                                 200        302        302        403        403        302        403        403        302!
set_password                                                  200        302        302        403        403        302        403        403        302!
add_person                                                    200        302        302        403        403        302        403        403        302!
delete_person                                                 200        302        302        403        403        302        403        403        302!
"""


@pytest.fixture
def world(bells, settings) -> World:
    settings.DRY_RUNS = True
    return World()


def state_of_everything() -> dict[str, list[Any]]:
    """All rows that somebody's click could change."""
    kinds = (
        Case,
        CaseFile,
        SupportContent,
        Submission,
        Decision,
        Lookup,
        AwsAccount,
        CannedText,
        Team,
        Membership,
        Preferences,
    )
    kinds += (CasesDomain, ConnectTemplate, CaseTemplate, TemplateCheck)
    state = {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in kinds}
    people = get_user_model().objects.order_by("pk")
    return state | {
        "people": list(people.values("username", "password", "email", "is_active", "is_staff", "is_superuser"))
    }


def first_words(table: str) -> list[str]:
    return [line.split()[0] for line in table.strip().splitlines()[1:]]


def as_table(rows: dict[str, list[str]]) -> str:
    """The rows as they are written above."""
    lines = [
        f"{row:<62}" + "".join(f"{cell:<11}" for cell in cells) for row, cells in {"address": PEOPLE, **rows}.items()
    ]
    return "\n" + "\n".join(line.rstrip() for line in lines) + "\n"


# --- addresses -----------------------------------------------------------------------------------------------------------
def test_every_address_has_its_row():
    assert set(routes()) == {re.sub(r"/\?.*", "/", row) for row in first_words(READING)}


# --- reading -------------------------------------------------------------------------------------------------------------
def test_reading_is_for_whom_the_table_says_and_changes_nothing(world):
    clients = {name: world.client(name) for name in PEOPLE}
    before = state_of_everything()
    found: dict[str, list[str]] = {}

    for row in first_words(READING):
        answers = {name: client.get(world.address(row)) for name, client in clients.items()}
        found[row] = [str(answer.status_code) for answer in answers.values()]
        for name in STRANGERS:
            assert leaks(world, row, answers[name]) == [], f"{row} for {name}"

    assert as_table(found) == READING
    before.pop("Lookup")  # a form that is opened may ask AWS what it lists
    assert before.items() <= state_of_everything().items()


def leaks(world: World, row: str, answer: Any) -> list[str]:
    """What a stranger reads of the team, beyond the address that they asked for themselves."""
    told = answer.content.decode() + answer.headers.get("Location", "")
    asked = world.address(row)
    return [secret for secret in world.secrets if secret in told.replace(asked, "") and secret not in asked]


@pytest.mark.parametrize("name", PEOPLE)
def test_what_aws_says_about_a_case_is_read_by_its_team(world, name):
    """The account may be shared with other teams, and superusers see its other questions."""
    world.account.teams.add(Team.objects.get(name="Foxes"))

    status = world.client(name).get(world.address("lookups/<dry_run>/")).status_code

    assert status == {"nobody": 302, "superuser": 404}.get(name, 404 if name.startswith("f_") else 200)


def test_superusers_read_no_teams_cases(world):
    client = world.client("superuser")

    for row in first_words(READING):
        told = client.get(world.address(row)).content.decode()
        assert "Mice" not in told.replace("q=Mice", "").replace('value="Mice"', ""), row


class EverySend(SimpleUploadedFile):
    """A file that can be posted again and again."""

    def read(self, *args: Any) -> bytes:
        self.seek(0)
        return super().read(*args)


# --- writing -------------------------------------------------------------------------------------------------------------
def actions(world: World) -> dict[str, tuple[str, dict[str, str]]]:
    """Everything that can be done by a click: the address, and what is posted to it."""
    forms = {
        "draft": form(world, "author", f"cases/{world.draft.reference}/edit/", "form_token"),
        "team": form(world, "lead", "admin/teams/team/<path:object_id>/change/", "_save"),
        "account": form(world, "lead", "admin/teams/awsaccount/<path:object_id>/change/", "_save"),
        "template": form(world, "lead", "admin/catalog/connecttemplate/<path:object_id>/change/", "_save"),
        "domain": form(world, "lead", "admin/catalog/casesdomain/<path:object_id>/change/", "_save"),
        "person": form(world, "superuser", "admin/auth/user/<path:object_id>/change/", "_save"),
    }
    decided = {"payload_sha256": world.cases[State.PENDING_REVIEW].payload_sha256, "reason": "Because"}
    password = {"password1": "a-new-pass-phrase", "password2": "a-new-pass-phrase"}
    new_account = forms["account"] | {"account_id": "999988887777", "role_arn": "", "teams": str(world.team.pk)}
    new_person = {"username": "newcomer", **password, **nobody_in("memberships")}
    submissions = "admin/submissions/submission/"
    waiting = world.cases[State.PENDING_REVIEW]
    everybody = get_user_model().objects.all()
    Viewing.objects.bulk_create(Viewing(submission=waiting, user=each, at=clock.now()) for each in everybody)
    review, attention = f"{submissions}<uuid:pk>/change/", f"{submissions}<uuid:pk>/attention/"
    token = str(world.cases[State.QUEUED].token)
    later = f"{timezone.now() + timezone.timedelta(hours=2):%Y-%m-%dT%H:%M}"
    new_case = forms["draft"] | {"kept_files": "", "form_token": new_token()}
    connect = {"fields-title": "Owls hoot", "fields-owls": "tawny", "fields-note": "At night"}
    return {
        "new_connect_case": (
            "cases/new/connect/<int:pk>/",
            connect | {"form_token": new_token(), "action": "submit"},
        ),
        "save_connect_by_itself": ("cases/new/connect/<int:pk>/save/", connect | {"form_token": new_token()}),
        "withdraw_connect": ("cases/<connect_case>/", {"action": "withdraw"}),
        "new_case": ("cases/new/support/", new_case | {"action": "save_draft"}),
        "submit_new_case": ("cases/new/support/", new_case | {"form_token": new_token(), "action": "submit"}),
        "save_new_by_itself": ("cases/new/support/save/", new_case | {"form_token": new_token()}),
        "save_by_itself": ("cases/<draft>/save/", forms["draft"] | {"subject": "Mice save themselves"}),
        "save_draft": ("cases/<draft>/edit/", forms["draft"] | {"subject": "Mice are silent", "action": "save_draft"}),
        "submit_draft": ("cases/<draft>/edit/", forms["draft"] | {"action": "submit"}),
        "add_file": ("cases/files/", {"files": EverySend("mice.txt", b"Mice"), "held": "0"}),
        "take_foreign_file": (
            "cases/new/support/",
            forms["draft"]
            | {"form_token": new_token(), "action": "save_draft", "kept_files": world.draft.files.get().key},
        ),
        "discard": ("cases/<draft>/", {"action": "discard"}),
        "bring_back": ("cases/<discarded>/", {"action": "bring_back"}),
        "copy": ("cases/<reference:reference>/", {"action": "copy", "copy_token": new_token()}),
        "ask_aws_about_draft": ("cases/<draft>/edit/", forms["draft"] | {"action": "ask_aws"}),
        "ask_aws": ("cases/<reference:reference>/", {"action": "ask_aws"}),
        "withdraw": ("cases/<reference:reference>/", {"action": "withdraw"}),
        "cancel": ("cases/<queued>/", {"action": "cancel"}),
        "hold": ("queue/<uuid:pk>/", {"action": "hold", "token": token, "until": later}),
        "hold_too_long": ("queue/<uuid:pk>/", {"action": "hold", "token": token, "until": "2999-01-01T00:00"}),
        "resume": ("queue/<held>/", {"action": "resume", "token": str(world.held.token)}),
        "send_now": ("queue/<uuid:pk>/", {"action": "send_now", "token": token}),
        "cancel_in_queue": ("queue/<uuid:pk>/", {"action": "cancel", "token": token}),
        "approve": (review, decided | {"decision": "approve"}),
        "return": (review, decided | {"decision": "return"}),
        "approve_several": (f"{submissions}approve/", {"chosen": f"{waiting.pk}:{waiting.payload_sha256}"}),
        "reject": (review, decided | {"decision": "reject"}),
        "send_again": (attention, {"action": "send_again", "reason": "Because"}),
        "give_up": (attention, {"action": "give_up", "reason": "Because"}),
        "take_over": (f"{submissions}<unknown>/attention/", {"action": "take_over", "reason": "Because"}),
        "look_at_sent": (
            f"{submissions}<sent_first>/change/",
            {"decision": "looked", "payload_sha256": world.sent_first.payload_sha256},
        ),
        "look_up_at_aws": (attention, {"action": "look_up", "aws_id": "170000000000001"}),
        "check_account": ("accounts/<int:pk>/check/", {}),
        "refresh_account": ("accounts/<int:pk>/refresh/", {}),
        "fetch_templates": ("accounts/<int:pk>/templates/", {}),
        "try_filling": ("templates/<int:pk>/try/", {"fields-title": "Hoot", "action": "check"}),
        "save_check": ("templates/<int:pk>/try/", {"fields-title": "Hoot", "action": "save", "name": "Hoots"}),
        "remove_check": ("templates/<int:pk>/checks/<int:check>/remove/", {}),
        "ask_again": ("lookups/<int:pk>/again/", {}),
        "ask_aws_again": ("lookups/<dry_run>/again/", {}),
        "settings": ("accounts/settings/", {"time_zone": "Asia/Tokyo", "theme": "dark"}),
        "rename_team": ("admin/teams/team/<path:object_id>/change/", forms["team"] | {"name": "Night owls"}),
        "add_team": ("admin/teams/team/add/", {"name": "Bats", **nobody_in("memberships")}),
        "delete_team": ("admin/teams/team/<path:object_id>/delete/", {"post": "yes"}),
        "change_account": ("admin/teams/awsaccount/<path:object_id>/change/", forms["account"] | {"name": "Barn"}),
        "change_template": (
            "admin/catalog/connecttemplate/<path:object_id>/change/",
            forms["template"] | {"description_for_agents": "When an owl is heard"},
        ),
        "change_domain": (
            "admin/catalog/casesdomain/<path:object_id>/change/",
            forms["domain"] | {"profiles_domain": "owl-friends"},
        ),
        "add_account": ("admin/teams/awsaccount/add/", new_account),
        "delete_account": ("admin/teams/awsaccount/<path:object_id>/delete/", {"post": "yes"}),
        "add_text": ("admin/teams/cannedtext/add/", {"team": str(world.team.pk), "name": "Owl", "subject": "Hoo"}),
        "change_text": (
            "admin/teams/cannedtext/<path:object_id>/change/",
            {"team": str(world.team.pk), "name": "Owl", "subject": "Hoo"},
        ),
        "delete_text": ("admin/teams/cannedtext/<path:object_id>/delete/", {"post": "yes"}),
        "change_person": ("admin/auth/user/<path:object_id>/change/", forms["person"] | {"email": "owl@example.com"}),
        "set_password": ("admin/auth/user/<id>/password/", password),
        "add_person": ("admin/auth/user/add/", new_person),
        "delete_person": ("admin/auth/user/<path:object_id>/delete/", {"post": "yes"}),
    }


def form(world: World, name: str, route: str, having: str) -> dict[str, str]:
    """What the form holds for somebody who may see it."""
    page = world.client(name).get(world.address(route)).content.decode()
    return next(form.fields for form in forms_in(page) if having in form.names)


def nobody_in(inline: str) -> dict[str, str]:
    return {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}


def test_writing_is_for_whom_the_table_says(world):
    todo = actions(world)
    before = state_of_everything()

    found = {action: [outcome(world, name, *what, before) for name in PEOPLE] for action, what in todo.items()}

    assert as_table(found) == WRITING


def outcome(world: World, name: str, route: str, posted: dict[str, str], before: dict[str, list[Any]]) -> str:
    """The status, with a mark where something changed; then all is as before."""
    with transaction.atomic():
        status = world.client(name).post(world.address(route), posted).status_code
        changed = state_of_everything() != before
        transaction.set_rollback(True)
    return f"{status}{'!' if changed else ''}"


@pytest.mark.parametrize("name", ["author", "superuser"])
def test_no_address_takes_a_post_without_the_token(world, name):
    client = world.client(name, enforce_csrf_checks=True)
    before = state_of_everything()

    answers = {route: client.post(world.address(route), {"action": "discard"}).status_code for route in routes()}

    assert answers == dict.fromkeys(routes(), 403)
    assert state_of_everything() == before
