"""Tests of discarding with undo for a day, of copying a case into a new draft, and of choices that AWS dropped meanwhile."""

from django.core.files.storage import default_storage

from casesite.cases import files
from casesite.cases.models import Case, Stage
from casesite.submissions.states import State
from tests.factories import SERVICES, SEVERITIES, a_catalog, a_draft, a_file, a_submission, a_user

from .conftest import edit_url, errors_of, post_edit, signed_in
from .test_autosave import Tab, state_of


def act(client, case, action, **more):
    return client.post(case.get_absolute_url(), {"action": action} | more)


# --- discard and undo ----------------------------------------------------------------------------------------------------
def test_discarded_draft_comes_back_with_its_files(client, author, account):
    draft = a_draft(by=author, account=account, subject="Wanted after all")
    a_file(draft, "log.txt")
    act(client, draft, "discard")
    desk = client.get("/").content.decode()
    assert "Discarded in the last day" in desk
    assert "Wanted after all" in desk

    act(client, draft, "bring_back")

    draft.refresh_from_db()
    assert (draft.stage, draft.discarded_at) == (Stage.DRAFT, None)
    assert [file.name for file in files.of_draft(draft)] == ["log.txt"]
    assert [event.what for event in draft.events.all()] == ["created", "discarded", "brought_back"]
    assert "Discarded in the last day" not in client.get("/").content.decode()


def test_returned_draft_comes_back_as_returned(client, author, account):
    case = a_submission(State.RETURNED, by=author, account=account).case
    act(client, case, "discard")

    act(client, case, "bring_back")

    assert "returned it" in client.get(edit_url(case)).content.decode()


def test_discard_is_final_after_a_day_and_its_files_go(client, author, account, clock):
    draft = a_draft(by=author, account=account)
    file = a_file(draft)
    act(client, draft, "discard")
    clock.advance(hours=23, minutes=59)
    files.clean_up()
    assert draft.files.exists()
    clock.advance(minutes=2)

    response = client.post(draft.get_absolute_url(), {"action": "bring_back"}, follow=True)
    files.clean_up()

    assert "more than a day ago" in response.content.decode()
    assert Case.objects.get().stage == Stage.CLOSED
    assert not draft.files.exists()
    assert not default_storage.exists(files.place_of(file.sha256))
    assert "Discarded in the last day" not in client.get("/").content.decode()


def test_only_its_author_brings_a_draft_back(client, author, account, team):
    draft = a_draft(by=author, account=account)
    act(client, draft, "discard")

    response = act(signed_in(a_user(team=team)), draft, "bring_back")

    assert response.status_code == 403
    assert Case.objects.get().stage == Stage.CLOSED


def test_page_of_a_discarded_draft_does_not_save_itself(client, author, account, typed):
    draft = a_draft(by=author, account=account)
    tab = Tab(client, edit_url(draft))
    act(client, draft, "discard")

    assert state_of(tab.save(typed)) == "stopped"


# --- copy ------------------------------------------------------------------------------------------------------------------
def copied(client, case):
    token = client.get(case.get_absolute_url()).context["copy_token"]
    response = act(client, case, "copy", copy_token=token)
    return Case.objects.get(reference=response.url.split("/")[2]), token


def test_case_in_any_state_is_copied_with_text_and_files(client, author, account, bells):
    for state in (State.DELIVERED, State.REJECTED, State.CANCELLED, State.PENDING_REVIEW):
        source = a_draft(by=author, account=account, subject=f"Was {state}", cc_email_addresses="a@example.com")
        a_file(source, "log.txt")
        a_submission(state, case=source)

        draft, _token = copied(client, source)

        support = draft.support
        assert (draft.stage, draft.subject, draft.severity_code) == (Stage.DRAFT, f"Was {state}", "normal")
        assert support.communication_body == source.support.communication_body
        assert (support.service_code, support.cc_email_addresses) == (source.support.service_code, "a@example.com")
        assert [(file.name, file.submitted) for file in files.of_draft(draft)] == [("log.txt", False)]
        assert "Ref:" not in support.communication_body
        assert draft.events.get(what="copied").text == source.reference


def test_copy_is_submitted_like_any_other_draft(client, author, account, typed):
    source = a_submission(State.REJECTED, by=author, account=account).case
    draft, _token = copied(client, source)

    response = post_edit(client, draft, typed, "submit")

    assert response.url == draft.get_absolute_url()
    assert draft.submissions.get().revision == 1


def test_two_clicks_make_one_copy(client, author, account):
    source = a_draft(by=author, account=account)
    draft, token = copied(client, source)

    response = act(client, source, "copy", copy_token=token)

    assert response.url == edit_url(draft)
    assert Case.objects.count() == 2


def test_page_whose_copy_was_discarded_says_so_and_copies_anew(client, author, account):
    source = a_draft(by=author, account=account)
    draft, token = copied(client, source)
    act(client, draft, "discard")

    again = client.post(source.get_absolute_url(), {"action": "copy", "copy_token": token}, follow=True)

    *_before, said = (str(message) for message in again.context["messages"])
    assert said.startswith(f"This page was copied into {draft.reference} already")
    assert act(client, source, "copy", copy_token=again.context["copy_token"]).url.endswith("/edit/")
    assert Case.objects.count() == 3


def test_colleague_copies_a_case_into_a_draft_of_their_own(client, author, account, team):
    source = a_draft(by=author, account=account)
    a_file(source)
    other = a_user(team=team)

    draft, _token = copied(signed_in(other), source)

    assert draft.author == other
    assert [file.uploaded_by for file in files.of_draft(draft)] == [other]


def test_file_that_is_not_stored_any_more_is_named(client, author, account):
    source = a_draft(by=author, account=account)
    default_storage.delete(files.place_of(a_file(source, "gone.txt").sha256))
    token = client.get(source.get_absolute_url()).context["copy_token"]

    response = client.post(source.get_absolute_url(), {"action": "copy", "copy_token": token}, follow=True)

    assert "so not copied: gone.txt" in response.content.decode()
    assert not Case.objects.order_by("-pk").first().files.exists()


def test_copy_without_a_token_makes_nothing(client, author, account):
    source = a_draft(by=author, account=account)

    act(client, source, "copy", copy_token="")

    assert Case.objects.count() == 1


# --- what no longer exists -------------------------------------------------------------------------------------------------
def test_choices_that_aws_dropped_are_marked_when_the_draft_is_opened(client, author, account, catalog):
    draft = a_draft(by=author, account=account, severity_code="critical")
    a_catalog(account, services=SERVICES[:1], severities=SEVERITIES[:2])

    response = client.get(edit_url(draft))

    assert errors_of(response) == {
        "service_code": [
            "AWS does not list the service “amazon-relational-database-service-postgresql” for this account any more."
            " Choose another one."
        ],
        "severity_code": [
            "The account's support plan does not offer the severity “critical” any more. Choose another one."
        ],
    }
    assert 'value="RDS failover took 11 minutes"' in response.content.decode()


def test_category_and_language_that_are_gone_are_marked(client, author, account, catalog):
    draft = a_draft(by=author, account=account, category_code="was-there", language="tlh")

    errors = errors_of(client.get(edit_url(draft)))

    assert errors == {
        "category_code": [
            "Relational Database Service (PostgreSQL) has no category “was-there” any more. Choose another one."
        ],
        "language": [
            "AWS does not offer the language “tlh” for the service and category any more. Choose another one."
        ],
    }


def test_draft_whose_choices_are_all_there_is_marked_nowhere(client, author, account, catalog):
    assert errors_of(client.get(edit_url(a_draft(by=author, account=account)))) == {}
