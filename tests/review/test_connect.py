"""Reviewing what opens a Connect case: exactly what AWS will receive, what it will not, and a template that moved on."""

import re
from html import unescape

import pytest
from django.urls import reverse

from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.catalog.template import CUSTOMER, Field, FieldType, Option
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import proven, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Preferences, Role
from tests.catalog.templates import a_template, equal, hides, number, requires, select, text, yes_no
from tests.factories import a_connect_draft, a_connect_template, a_file, an_account

from .conftest import review_url
from .test_review import HOSTILE, buttons_of, post, text_of
from .test_secrets import SECRET

AGENT_ARN = "arn:aws:connect:us-east-1:111111111111:instance/i-1/agent/a-1"
PROFILE_ARN = "arn:aws:profile:us-east-1:111111111111:domains/customers/profiles/0123abcd"
CHANNEL = select("channel", "phone", "mail")
CALLED_BACK = yes_no("called_back")
FIELDS = (
    CHANNEL,
    CALLED_BACK,
    number("amount"),
    Field("met", "Met", FieldType.DATE_TIME),
    Field("page", "Page", FieldType.URL),
    Field("agent", "Agent", FieldType.USER),
    Field(CUSTOMER, "Customer", FieldType.TEXT, system=True),
    text("note", multiline=True),
)
RULES = (hides("called_back", equal("channel", "mail"), name="No call-back by mail"),)
TYPED = {
    "title": "Late delivery",
    "channel": "phone",
    "called_back": "true",
    "amount": "12.5",
    "met": "2026-11-25T14:30",
    "page": "https://example.com/parcels?id=1",
    "agent": AGENT_ARN,
    CUSTOMER: PROFILE_ARN,
    "note": "The parcel\n  is late.",
}


@pytest.fixture
def template(account):
    return a_connect_template(account, a_template(*FIELDS, rules=RULES))


@pytest.fixture
def connect(template, author, bells):
    """A waiting submission by the template; `typed` goes over what is usual."""

    def submitted(typed=(), **content):
        case = a_connect_draft(template, by=author, typed=TYPED | dict(typed), **content)
        return workflow.submit(case, by=author)

    return submitted


def newer(account, *fields, **more):
    """Another version of the template, the newest."""
    return a_connect_template(account, a_template(*fields, **more))


def rows_of(answer, kind="field"):
    """Each row of the page by its name: all texts of its cell."""
    found = re.findall(rf'<tr data-{kind}="([^"]+)">(.*?)</tr>', answer.content.decode(), re.DOTALL)
    return {unescape(name): _words(cell.split("<td>", 1)[1]) for name, cell in found}


def exact_of(answer):
    found = re.findall(r'<tr data-field="([^"]+)">(.*?)</tr>', answer.content.decode(), re.DOTALL)
    exact = r'<(code|div) class="exact[^>]*>(.*?)</\1>'
    return {
        name: [unescape(re.sub("<[^>]*>", "", each[1])) for each in re.findall(exact, cell, re.DOTALL)]
        for name, cell in found
    }


def _words(html):
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


# --- what goes out -----------------------------------------------------------------------------------------------------
def test_each_value_stands_there_by_label_and_as_aws_receives_it(connect, as_user, reviewer):
    row = connect(names={PROFILE_ARN: "Kim Demo"}, time_zone="Europe/Berlin")
    Preferences.objects.update_or_create(user=reviewer, defaults={"time_zone": "Europe/Berlin"})

    answer = as_user(reviewer).get(review_url(row))

    shown = rows_of(answer)
    assert list(shown) == [field["id"] for field in row.payload["fields"]]
    assert shown["channel"] == "Phone stringValue phone"
    assert shown["called_back"] == "Yes booleanValue true"
    assert shown["amount"] == "doubleValue 12.5"
    assert shown["met"] == "2026-11-25 14:30 CET stringValue 2026-11-25T13:30:00.000Z"
    assert shown["agent"] == f"userArnValue {AGENT_ARN}"
    assert shown[CUSTOMER] == f"Kim Demo stringValue {PROFILE_ARN}"
    assert exact_of(answer)["note"] == ["The parcel\n  is late."]


def test_all_parameters_are_shown_with_domain_template_and_person(connect, as_user, reviewer):
    row = connect(tags="cost-centre=4711")

    answer = as_user(reviewer).get(review_url(row))

    parameters = rows_of(answer, "parameter")
    assert set(parameters) == set(row.payload) - {"fields"}
    assert parameters["domainId"] == f"Service desk {row.payload['domainId']}"
    assert parameters["templateId"].startswith("Incident t-1 Version")
    assert parameters["performedBy"] == "customEntity casesite/author"
    assert parameters["clientToken"] == str(row.client_token)
    assert f"casesite-ref={row.marker} the reference" in parameters["tags"]
    assert "cost-centre=4711" in parameters["tags"]
    assert "connectcases.CreateCase" in text_of(answer) and "us-east-1" in text_of(answer)


def test_a_parameter_that_the_page_does_not_know_is_shown_too(connect, as_user, reviewer):
    row = connect()
    Submission.objects.filter(pk=row.pk).update(payload=row.payload | {"newMember": {"deep": "something"}})

    assert rows_of(as_user(reviewer).get(review_url(row)), "parameter")["newMember"] == '{"deep": "something"}'


def test_reference_in_the_title_is_shown_where_no_tag_may_carry_it(connect, as_user, reviewer):
    CasesDomain.objects.update(may_tag=False)
    row = connect()

    answer = as_user(reviewer).get(review_url(row))

    assert rows_of(answer)["title"] == f"stringValue Late delivery [{row.marker}]"
    assert "None: the reference stands at the end of the title." in text_of(answer)


def test_first_comment_and_files_are_shown_as_they_go_out(connect, as_user, reviewer, template, author):
    case = a_connect_draft(template, by=author, typed=TYPED, first_comment="They called twice.")
    a_file(case)
    row = workflow.submit(case, by=author)

    parameters = rows_of(as_user(reviewer).get(review_url(row)), "parameter")

    assert parameters["comment"] == f"body They called twice. Ref: {row.marker}"
    assert "config.txt" in parameters["files"]


def test_hidden_answers_are_shown_apart_with_the_reason(connect, as_user, reviewer):
    row = connect({"channel": "mail"})

    answer = as_user(reviewer).get(review_url(row))

    assert "called_back" not in rows_of(answer)
    assert rows_of(answer, "dropped") == {"called_back": "true Hidden because Channel is Mail."}
    assert "1 answer is not sent" in text_of(answer)


def test_tags_of_the_template_itself_are_told(account, author, as_user, reviewer, bells):
    template = a_connect_template(account, a_template(CHANNEL, tags=(("desk", "parcels"),)))
    case = a_connect_draft(template, by=author, typed={"title": "Late delivery"})

    shown = rows_of(as_user(reviewer).get(review_url(workflow.submit(case, by=author))), "parameter")["tags"]

    assert shown.endswith("Amazon Connect adds the template's own: desk=parcels")


def test_hostile_names_options_and_values_are_text(account, author, as_user, reviewer, bells):
    evil = Field("evil", HOSTILE, FieldType.SINGLE_SELECT, options=(Option(HOSTILE, HOSTILE),))
    template = a_connect_template(
        account, a_template(evil, text("note"), rules=(hides("note", name=HOSTILE, default=True),))
    )
    typed = {"title": HOSTILE, "evil": HOSTILE, "note": HOSTILE}
    case = a_connect_draft(template, by=author, typed=typed, first_comment=HOSTILE)

    answer = as_user(reviewer).get(review_url(workflow.submit(case, by=author)))

    assert HOSTILE not in answer.content.decode()
    assert rows_of(answer)["evil"] == f"stringValue {HOSTILE}"
    assert exact_of(answer)["title"] == [HOSTILE]


def test_secrets_and_unseen_characters_are_told_by_their_field(connect, as_user, reviewer):
    row = connect({"note": f"o\u200bk\naws_secret_access_key = {SECRET}"})

    answer = as_user(reviewer).get(review_url(row))

    assert "Line 2 of “Note” seems to hold a secret" in text_of(answer)
    assert 'class="mark-secret"' in answer.content.decode()
    assert "1 character shows nothing" in text_of(answer)


def test_nobody_is_told_of_a_dry_run_or_of_the_hour(connect, as_user, reviewer):
    shown = text_of(as_user(reviewer).get(review_url(connect())))

    assert "Would AWS accept it?" not in shown and "of the hour's" not in shown
    assert "It goes out now." in shown


def test_lane_that_is_shut_is_told(connect, as_user, reviewer, clock):
    row = connect()
    AccountGate.objects.create(
        account=row.account,
        family="connectcases",
        region="us-east-1",
        mode=Mode.WRITE,
        rate=2,
        tokens=0,
        refilled_at=clock.now,
        circuit=Circuit.OPEN,
        trouble="connection",
    )

    assert "It goes out about" in text_of(as_user(reviewer).get(review_url(row)))


# --- the template since ------------------------------------------------------------------------------------------------
def test_template_that_is_still_the_same_fits(connect, as_user, reviewer):
    answer = as_user(reviewer).get(review_url(connect()))

    assert "data-drift" not in answer.content.decode()
    assert "The values fit the template as Amazon Connect has it now" in text_of(answer)


def test_change_that_spoils_nothing_is_told_with_the_difference(connect, account, as_user, reviewer):
    row = connect()
    newer(account, *FIELDS, text("colour"), rules=RULES)

    answer = as_user(reviewer).get(review_url(row))

    assert "Field Colour added" in text_of(answer)
    assert "nothing would be refused" in text_of(answer)
    assert "The template has changed since; the values still fit it" in text_of(answer)


def test_change_that_spoils_the_case_names_what_would_fail_or_vanish(connect, account, as_user, reviewer):
    row = connect()
    fields = [select("channel", "mail"), *FIELDS[1:-1], text("reason")]
    hides_amount = hides("amount", name="No amounts", default=True)
    newer(account, *fields, rules=(*RULES, hides_amount, requires("reason", default=True)))

    shown = text_of(as_user(reviewer).get(review_url(row)))

    for sentence in (
        "The template no longer has the field “Note”.",
        "The template now hides “Amount”.",
        "The template now requires “Reason”.",
        "“Channel” can no longer be phone.",
        "Option Phone removed from Channel",
        "Rule No amounts added",
    ):
        assert sentence in shown, sentence


def test_template_that_takes_no_more_cases_is_told(connect, as_user, reviewer):
    row = connect()
    ConnectTemplate.objects.update(active=False)

    assert "The template no longer takes cases." in text_of(as_user(reviewer).get(review_url(row)))


def test_case_is_returned_with_what_changed_as_the_reason(connect, account, as_user, reviewer):
    row = connect()
    newer(account, *FIELDS, text("reason"), rules=(*RULES, requires("reason", default=True)))
    page = as_user(reviewer).get(review_url(row)).content.decode()
    reason = unescape(re.search(r'<textarea[^>]*id="id_drift_reason"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1])

    post(as_user(reviewer), row, "return", reason)

    row.refresh_from_db()
    assert row.state == State.RETURNED
    assert row.reason_text.splitlines() == [
        "The template changed since you filled it in.",
        "The template now requires “Reason”.",
    ]


def test_author_is_offered_no_return(connect, account, as_user, author, template):
    row = connect()
    newer(account, *FIELDS, text("colour"), rules=RULES)
    author.is_staff = True
    author.save(update_fields=["is_staff"])
    author.memberships.update(role=Role.REVIEWER)

    page = as_user(author).get(review_url(row)).content.decode()

    assert "data-drift" in page and "id_drift_reason" not in page


# --- deciding ------------------------------------------------------------------------------------------------------------
def test_approval_puts_it_in_the_queue(connect, as_user, reviewer):
    row = connect()

    post(as_user(reviewer), row, "approve")

    row.refresh_from_db()
    assert (row.state, row.decisions.get().by) == (State.QUEUED, reviewer)


def test_revisions_are_compared_by_the_names_of_fields(connect, as_user, reviewer, author):
    first = connect(names={PROFILE_ARN: "Kim Demo"})
    post(as_user(reviewer), first, "return", "Which parcel?")
    content = first.case.connect
    content.typed = content.typed | {"note": "Parcel 7 is late.", "channel": "mail"}
    content.first_comment = "They called."
    content.save()
    second = workflow.submit(first.case, by=author)

    answer = as_user(reviewer).get(review_url(second))

    changed = re.findall(r'data-changed="([^"]*)"', answer.content.decode())
    assert changed == ["Channel", "Note", "First comment", "Called_back"]
    assert "The reference and the client token are new ones with each revision." in text_of(answer)


def test_queue_shows_both_kinds_with_the_same_number_of_queries(
    connect, waiting, as_user, reviewer, queue_url, django_assert_max_num_queries
):
    client = as_user(reviewer)
    connect()
    client.get(queue_url)
    with django_assert_max_num_queries(100) as few:
        client.get(queue_url)
    for _number in range(4):
        connect()
    with django_assert_max_num_queries(len(few)):
        answer = client.get(queue_url)

    assert answer.content.decode().count("data-queue-row>Late delivery<") == 5


def test_page_asks_the_database_no_more_for_many_fields(
    account, author, as_user, reviewer, bells, django_assert_max_num_queries
):
    def page_of(count):
        fields = [text(f"f{number}") for number in range(count)]
        template = a_connect_template(
            account, a_template(*fields, rules=[requires(field.id, default=True) for field in fields])
        )
        case = a_connect_draft(template, by=author, typed={"title": "x"} | {field.id: "y" for field in fields})
        return review_url(workflow.submit(case, by=author))

    small, large = page_of(2), page_of(60)
    client = as_user(reviewer)
    client.get(large)
    with django_assert_max_num_queries(100) as few:
        client.get(small)
    with django_assert_max_num_queries(len(few)):
        client.get(large)


def test_case_whose_template_moved_on_is_not_approved_with_others(connect, account, as_user, reviewer, queue_url):
    row = connect()
    as_user(reviewer).get(review_url(row))
    assert f'value="{row.pk}:' in as_user(reviewer).get(queue_url).content.decode()
    newer(account, *FIELDS, text("colour"), rules=RULES)

    assert f'value="{row.pk}:' not in as_user(reviewer).get(queue_url).content.decode()


def test_reviewer_of_another_team_finds_nothing(connect, as_user, foreign_lead):
    row = connect()
    other = foreign_lead.memberships.get().team
    a_connect_template(an_account(other), a_template(CHANNEL))

    assert as_user(foreign_lead).get(review_url(row)).status_code == 404


# --- what goes after it ------------------------------------------------------------------------------------------------
def test_companion_has_a_page_that_leads_to_what_was_decided(connect, as_user, reviewer):
    row = connect(first_comment="They called twice.")
    post(as_user(reviewer), row, "approve")
    proven.record_case(row.pk, "case-1")
    companion = Submission.objects.companions().get()

    answer = as_user(reviewer).get(review_url(companion))

    shown = text_of(answer)
    assert "connectcases.BatchCreateRelatedItem" in shown
    assert "They called twice." in shown and f"Ref: {row.marker}" in shown
    assert review_url(row) in answer.content.decode()
    assert buttons_of(answer) == []
    listed = as_user(reviewer).get(reverse("admin:submissions_submission_changelist"))
    assert "Comment on a Connect case" in text_of(listed)


def test_account_without_a_support_plan_still_opens_connect_cases(client, connect, reviewer, account):
    type(account).objects.update(check_result="blocked", check_summary="The account has no Support plan.")
    row = connect()
    client.force_login(reviewer)
    html = client.get(review_url(row)).content.decode()

    assert "The account's check found: The account has no Support plan." in unescape(html)
    assert "can't send" not in unescape(html).partition("<main")[2]
    assert "It goes out now" in html
