"""Submitting a Connect draft: what is frozen, what the request holds, and what an approval covers."""

from uuid import UUID

import pytest

from casesite.catalog.models import CasesDomain
from casesite.catalog.template import BooleanRule, Comparison, Field, FieldType, Operator, Option, RuleKind
from casesite.submissions import connect, payloads, workflow
from casesite.submissions.models import Kind, Submission
from casesite.submissions.states import State
from tests.catalog.templates import a_template
from tests.factories import a_connect_draft, a_connect_template, a_file, a_team, a_user, an_account

pytestmark = pytest.mark.django_db

CHANNEL = Field(
    "channel", "Channel", FieldType.SINGLE_SELECT, options=(Option("Phone", "phone"), Option("Mail", "mail"))
)
CALLED_BACK = Field("called_back", "Called back", FieldType.BOOLEAN)
AMOUNT = Field("amount", "Amount", FieldType.NUMBER)
HIDES = BooleanRule(
    id="rule-1",
    name="No call-back by mail",
    kind=RuleKind.HIDDEN,
    field_id="called_back",
    default=False,
    conditions=(Comparison("channel", Operator.EQUAL, "mail"),),
)
TYPED = {"title": "Late delivery", "channel": "phone", "called_back": "true", "amount": "12.5"}


@pytest.fixture
def template():
    account = an_account(a_team(), connect_regions="us-east-1")
    return a_connect_template(account, a_template(CHANNEL, CALLED_BACK, AMOUNT, rules=(HIDES,)))


def submitted(template, typed=TYPED, **content):
    case = a_connect_draft(template, typed=typed, **content)
    return workflow.submit(case, by=case.author)


def values_of(row):
    return {field["id"]: field["value"] for field in row.payload["fields"]}


def test_request_holds_what_the_form_holds_in_aws_own_types(template):
    row = submitted(template)

    assert (row.kind, row.state, row.region) == (Kind.CONNECT_CASE, State.PENDING_REVIEW, "us-east-1")
    assert row.payload["domainId"] == template.domain.domain_id
    assert row.payload["templateId"] == template.template_id
    assert values_of(row) == {
        "title": {"stringValue": "Late delivery"},
        "channel": {"stringValue": "phone"},
        "called_back": {"booleanValue": True},
        "amount": {"doubleValue": 12.5},
    }


def test_hidden_value_is_kept_in_sight_and_not_sent(template):
    row = submitted(template, TYPED | {"channel": "mail"})

    assert "called_back" not in values_of(row)
    assert row.content["dropped"] == [{"id": "called_back", "typed": "true"}]


def test_client_token_is_the_submissions_own(template):
    first, second = submitted(template), submitted(template)

    assert UUID(first.payload["clientToken"]) == first.client_token == connect.client_token(first.pk)
    assert first.client_token != second.client_token


def test_person_and_reference_go_with_it(template):
    person = a_user("robin", team=template.domain.account.teams.get())
    row = submitted(template, by=person, tags="cost-centre=4711\n")

    assert row.payload["performedBy"] == {"customEntity": "casesite/robin"}
    assert row.payload["tags"] == {"casesite-ref": row.marker, "cost-centre": "4711"}


def test_domain_that_may_not_be_tagged_carries_the_reference_in_the_title(template):
    CasesDomain.objects.update(may_tag=False)
    row = submitted(template, tags="cost-centre=4711")

    assert "tags" not in row.payload
    assert values_of(row)["title"] == {"stringValue": f"Late delivery [{row.marker}]"}
    assert row.content["subject"] == "Late delivery"


def test_title_leaves_room_for_the_reference(template):
    CasesDomain.objects.update(may_tag=False)
    template.domain.refresh_from_db()
    longest = 500 - connect.TITLE_ROOM
    draft = a_connect_draft(template, typed=TYPED | {"title": "x" * longest})
    assert connect.filling_of(draft.connect).problems == []

    row = workflow.submit(draft, by=draft.author)
    assert len(values_of(row)["title"]["stringValue"]) == 500
    over = a_connect_draft(template, typed=TYPED | {"title": "x" * (longest + 1)})
    assert connect.filling_of(over.connect).problems == ["title"]


def test_names_of_people_who_are_not_sent_are_not_kept(template):
    row = submitted(template, names={"arn:aws:profile:nobody": "Kim Demo"})

    assert row.content["names"] == {}


def test_approval_covers_region_first_comment_and_files(template):
    case = a_connect_draft(template, typed=TYPED, first_comment="The customer called twice.")
    a_file(case)
    row = workflow.submit(case, by=case.author)
    assert payloads.hash_of(row) == row.payload_sha256

    for name, other in (("region", "eu-central-1"), ("first_comment", "Something else"), ("files", [])):
        changed = Submission.objects.get(pk=row.pk)
        changed.content[name] = other
        assert payloads.hash_of(changed) != row.payload_sha256, name


def test_case_that_was_returned_is_submitted_anew_with_another_token(template):
    first = submitted(template)
    reviewer = a_user(team=first.case.team, role="reviewer")
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason="Which parcel?")
    second = workflow.submit(first.case, by=first.submitted_by)

    assert second.supersedes == first and second.revision == 2
    assert second.payload["clientToken"] != first.payload["clientToken"]
    assert second.marker != first.marker and second.marker[:12] == first.marker[:12]


def test_customer_that_is_always_required_is_missing(template):
    template.customer_always = True
    template.save(update_fields=["customer_always"])
    customer = Field("customer_id", "Customer", FieldType.TEXT, system=True)
    newer = a_connect_template(template.domain.account, a_template(CHANNEL, customer))
    draft = a_connect_draft(newer, typed={"title": "Late delivery"})

    assert connect.filling_of(draft.connect).problems == ["customer_id"]
