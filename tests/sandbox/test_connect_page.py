"""What the simulator's page shows of Connect, and what an agent does there."""

import pytest

from tests.sandbox.clients import ACME
from tests.sandbox.test_connect_files import attach, uploaded
from tests.sandbox.test_page import PAGE, Parts, fetch


@pytest.fixture
def case(care, cases):
    return cases.create_case(**care.incident(performedBy={"customEntity": "casesite/alex"}))


def test_domains_are_shown_with_what_they_are_made_of(sandbox):
    text = fetch(sandbox)[2]

    for words in (
        "Customer care Europe",
        "2222 2222 2222, us-east-1",
        "Site (300 options)",
        "Refund amount hidden unless a refund is wanted (hidden)",
        "Component depends on Product (options)",
        "Team = Incidents, Source = casesite",
        "Sam Demo",
        "C-90077",
        "31 more are not shown.",
        "robin.demo",
    ):
        assert words in text
    assert text.count("inactive") == 3


def test_case_is_shown_in_words(care, case, sandbox):
    text = fetch(sandbox, f"{PAGE}?case={case['caseId']}")[2]

    assert f'id="{case["caseId"]}" open' in text
    for words in ("Orders fail at checkout", "Platform (platform)", "Sam Demo", "2500.5", "yes", "Team = Incidents"):
        assert words in text


def test_comments_and_files_stand_in_the_case(care, cases, case, clients, sandbox):
    sandbox.settings(upload_ready_after=0)
    attach(cases, care, case, uploaded(clients.connect(ACME), care, case, b"12345", FileName="<b>.log")["FileArn"])
    sandbox.comment_on_connect_case(case["caseId"], "<i>On it</i>")

    text = fetch(sandbox)[2]

    [link] = [attrs["href"] for _, attrs in Parts(text).tags if attrs.get("href", "").startswith("/downloads/")]
    assert fetch(sandbox, link)[2] == "12345"
    for words in ("&lt;b&gt;.log", "5 bytes, approved", "&lt;i&gt;On it&lt;/i&gt;", "Alex Demo"):
        assert words in text


def test_agent_sets_the_status(case, sandbox):
    form = {"case_id": case["caseId"], "status": "closed"}

    status, headers, _ = fetch(sandbox, f"{PAGE}page/connect-status", form)

    place = f"/_sandbox/?done=connect-status&case={case['caseId']}#{case['caseId']}"
    assert (status, headers["Location"]) == (303, place)
    assert sandbox.connect_cases()[0]["fields"]["status"] == {"stringValue": "closed"}
    assert "The status is set." in fetch(sandbox, place.partition("#")[0])[2]


def test_agent_comments(care, case, sandbox):
    fetch(sandbox, f"{PAGE}page/connect-comment", {"case_id": case["caseId"], "body": "Hello,\r\nwhich one?"})

    [item] = sandbox.connect_cases()[0]["relatedItems"]
    assert item["content"]["comment"]["body"] == "Hello,\nwhich one?"
    assert item["performedBy"] == {"userArn": care.user}


@pytest.mark.parametrize(
    ("form", "given", "status"),
    [
        ("connect-status", {"case_id": "x", "status": "closed"}, 404),
        ("connect-comment", {"case_id": "x", "body": "Hello"}, 404),
        ("connect-status", {"status": "on fire"}, 409),
        ("connect-comment", {"body": " "}, 400),
    ],
)
def test_mistake_is_said_on_the_page(case, sandbox, form, given, status):
    got, _headers, text = fetch(sandbox, f"{PAGE}page/{form}", {"case_id": case["caseId"], **given})

    assert (got, 'role="status"' in text) == (status, True)


def test_hostile_names_stay_text(care, cases, sandbox):
    hostile = "<script>alert('x')</script>"
    sandbox.connect_domain(ACME, domain_id=care.domain_id, name=hostile)
    sandbox.connect_put(care.domain_id, "templates", name=hostile, description=hostile)
    sandbox.connect_put(care.domain_id, "users", Username=hostile)
    sandbox.connect_put(care.domain_id, "profiles", FirstName=hostile)
    cases.create_case(**care.question(fields={"title": hostile, "summary": hostile}))

    text = fetch(sandbox)[2]

    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 6


def test_page_of_connect_needs_no_script_and_labels_its_fields(case, sandbox):
    tags = Parts(fetch(sandbox)[2]).tags

    labelled = {attrs.get("for") for tag, attrs in tags if tag == "label"}
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    boxes = [attrs["id"] for tag, attrs in tags if tag in ("input", "textarea", "select") and "id" in attrs]
    assert set(boxes) <= labelled
    assert len(ids) == len(set(ids))
    assert [tag for tag, attrs in tags if tag in ("script", "style") or "style" in attrs] == []


def test_many_cases_keep_the_page_short(care, cases, sandbox):
    for number in range(45):
        cases.create_case(**care.question(fields={"title": f"Case {number}"}))

    text = fetch(sandbox)[2]

    assert "5 older cases are not shown." in text
    assert "Case 44" in text
    assert "<b>Case 4</b>" not in text


def test_case_not_yet_found_is_marked(care, cases, sandbox):
    sandbox.settings(visible_after=3600)
    cases.create_case(**care.question())

    assert "not found yet" in fetch(sandbox)[2]


def test_settings_of_connect_are_set_on_the_page(sandbox):
    form = {"client_token_lifetime": "60", "hidden_values": "accepted", "files_on_case": "3"}

    assert fetch(sandbox, f"{PAGE}page/settings", form)[0] == 303

    changed = sandbox.settings()
    assert [changed[name] for name in form] == [60, "accepted", 3]


def test_fault_strikes_connect_by_its_name(sandbox):
    fetch(sandbox, f"{PAGE}page/switch-on", {"switch": "lose-answer once", "operation": "connectcases.CreateCase"})
    fetch(sandbox, f"{PAGE}page/switch-on", {"switch": "conflict once"})

    assert [(each["operation"], each["fault"], each["status"]) for each in sandbox.faults()] == [
        ("connectcases.CreateCase", "drop", None),
        ("connectcases.CreateCase", "error", 409),
    ]
