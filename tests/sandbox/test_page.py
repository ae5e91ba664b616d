"""The simulator's page: what it shows, what its forms do, and that text stays text."""

from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import pytest

from tests.sandbox.clients import ACME, a_case, opened, refusal, uploaded

PAGE = "/_sandbox/"


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


def fetch(sandbox, path=PAGE, form=None, **headers):
    """Status, headers and text, of a GET or of a form's POST."""
    data = None if form is None else urlencode(form).encode()
    opener = build_opener(ProxyHandler({}), NoRedirect)
    try:
        with opener.open(Request(sandbox.url + path, data, headers), timeout=5) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


class Parts(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_blank_page_says_what_would_stand_there(sandbox):
    status, headers, text = fetch(sandbox)

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for words in ("No case yet.", "None is on: AWS behaves.", "nothing here reaches AWS"):
        assert words in text


@pytest.mark.parametrize("path", ["/", "/_sandbox"])
def test_bare_address_leads_to_the_page(sandbox, path):
    status, headers, _text = fetch(sandbox, path)

    assert (status, headers["Location"]) == (303, "/_sandbox/")


def test_page_needs_no_script_and_no_inline_style(sandbox, support):
    opened(support)
    sandbox.fault("support.*", "drop", times=None)

    _status, headers, text = fetch(sandbox)
    tags = Parts(text).tags

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert [tag for tag, _ in tags if tag in ("script", "style")] == []
    assert [attrs for _, attrs in tags if any(name == "style" or name.startswith("on") for name in attrs)] == []


def test_styles_are_served(sandbox):
    for name in ("tokens.css", "page.css"):
        status, headers, text = fetch(sandbox, PAGE + name)
        assert (status, headers["Content-Type"]) == (200, "text/css; charset=utf-8")
        assert "--bg" in text or "var(--bg)" in text


def test_every_field_has_a_label_and_every_button_a_text(sandbox, support):
    opened(support)
    _status, _headers, text = fetch(sandbox)
    tags = Parts(text).tags

    labelled = {attrs.get("for") for tag, attrs in tags if tag == "label"}
    with_id = [attrs["id"] for tag, attrs in tags if tag in ("input", "textarea", "select") and "id" in attrs]

    assert set(with_id) <= labelled
    assert len(with_id) == len(set(with_id))
    assert "<button></button>" not in text


def test_text_stays_text(sandbox, support):
    hostile = "<script>alert('x')</script> & \"quotes\""
    opened(support, subject=hostile, communicationBody=f"</textarea>{hostile}", ccEmailAddresses=[hostile])
    sandbox.fault("support.CreateCase", "error", code=hostile)
    sandbox.account(ACME, denied=[hostile])

    _status, _headers, text = fetch(sandbox)

    assert "<script" not in text
    assert "</textarea>&lt;script" not in text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quotes&quot;" in text


def test_cases_are_shown_as_aws_would(sandbox, support):
    sandbox.settings(visible_after=3600)
    case_id = opened(support, communicationBody="Card 4111 1111 1111 1111")

    _status, _headers, text = fetch(sandbox)

    for words in (case_id, a_case()["subject"], "Card [REDACTED]", "1 of 10 used this hour", "not visible yet"):
        assert words in text
    assert "4111 1111 1111 1111" not in text


def test_case_is_answered_and_resolved(sandbox, support):
    case_id = opened(support)

    status, headers, _ = fetch(sandbox, f"{PAGE}page/reply", {"case_id": case_id, "body": "Hello,\r\nwhich one?"})

    assert (status, headers["Location"]) == (303, f"/_sandbox/?done=reply&case={case_id}#{case_id}")
    assert sandbox.cases()[0].communications[-1]["body"] == "Hello,\nwhich one?"
    _status, _headers, text = fetch(sandbox, headers["Location"].partition("#")[0])
    assert "customer&#x27;s turn now" in text
    assert f'id="{case_id}" open' in text
    fetch(sandbox, f"{PAGE}page/resolve", {"case_id": case_id})
    assert sandbox.cases()[0].status == "resolved"


def test_case_is_opened_in_the_console(sandbox):
    form = {"account_id": "1111 2222 3333", "subject": "From the console", "communicationBody": "Hello"}

    assert fetch(sandbox, f"{PAGE}page/open", form)[0] == 303

    assert [(case.account_id, case.subject, case.origin) for case in sandbox.cases()] == [
        (ACME, "From the console", "console")
    ]


@pytest.mark.parametrize(
    ("often", "times"),
    [("once", 1), ("always", None)],
)
def test_fault_is_switched_on_and_off(sandbox, support, often, times):
    fetch(sandbox, f"{PAGE}page/switch-on", {"switch": f"hourly-limit {often}", "operation": "", "account": "*"})

    [fault] = sandbox.faults()
    assert (fault["operation"], fault["times"], fault["code"]) == (
        "support.CreateCase",
        times,
        "CaseCreationLimitExceeded",
    )
    assert "Hourly limit reached" in fetch(sandbox)[2]
    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)
    fetch(sandbox, f"{PAGE}page/switch-off", {"number": str(fault["id"]) if times is None else ""})
    assert sandbox.faults() == []


def test_each_switch_makes_a_fault_that_the_page_names(sandbox):
    keys = [attrs["value"] for tag, attrs in Parts(fetch(sandbox)[2]).tags if attrs.get("name") == "switch"]

    for key in keys:
        assert fetch(sandbox, f"{PAGE}page/switch-on", {"switch": key})[0] == 303

    assert len(sandbox.faults()) == len(keys) == 36


def test_any_other_fault_is_switched_on(sandbox):
    form = {
        "fault": "error",
        "when": "after",
        "operation": "support.*",
        "times": "",
        "seconds": "",
        "code": "Odd",
        "status": "418",
    }

    assert fetch(sandbox, f"{PAGE}page/any-fault", form)[0] == 303

    [fault] = sandbox.faults()
    assert [fault[name] for name in ("fault", "when", "times", "code", "status")] == [
        "error",
        "after",
        None,
        "Odd",
        418,
    ]


def test_account_and_settings_are_saved(sandbox):
    fetch(
        sandbox,
        f"{PAGE}page/account",
        {"account_id": ACME, "plan": "business", "cases_per_hour": "3", "denied": "a:B, c:D"},
    )
    fetch(sandbox, f"{PAGE}page/settings", {"cases_per_hour": "7", "visible_after": "1.5"})

    account = sandbox.account(ACME)
    assert (account["plan"], account["cases_per_hour"], account["denied"]) == ("business", 3, ["a:B", "c:D"])
    assert (sandbox.settings()["cases_per_hour"], sandbox.settings()["visible_after"]) == (7, 1.5)


def test_reset_wants_to_be_sure(sandbox, support):
    opened(support)

    assert fetch(sandbox, f"{PAGE}page/reset", {})[0] == 400
    assert len(sandbox.cases()) == 1
    assert fetch(sandbox, f"{PAGE}page/reset", {"sure": "yes"})[0] == 303
    assert sandbox.cases() == []


@pytest.mark.parametrize(
    ("form", "given", "status"),
    [
        ("reply", {"case_id": "case-x", "body": "x"}, 404),
        ("reply", {"case_id": "<b>", "body": ""}, 404),
        ("open", {"account_id": "12"}, 400),
        ("settings", {"cases_per_hour": "many"}, 400),
        ("switch-on", {"switch": "explode once"}, 400),
        ("explode", {}, 404),
    ],
)
def test_mistake_is_said_on_the_page(sandbox, form, given, status):
    got, headers, text = fetch(sandbox, f"{PAGE}page/{form}", given)

    assert (got, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert 'role="status"' in text


def test_page_takes_no_form_from_another_site(sandbox, support):
    opened(support)

    status, _headers, _text = fetch(sandbox, f"{PAGE}page/reset", {"sure": "yes"}, Origin="https://evil.example")

    assert status == 403
    assert len(sandbox.cases()) == 1


def test_page_with_many_cases_stays_short_and_quick(sandbox, support):
    sandbox.settings(cases_per_hour=1000)
    for _ in range(70):
        opened(support)

    text = fetch(sandbox)[2]

    assert text.count("<summary><span class") >= 60
    assert "10 older cases are not shown." in text


def test_case_shows_its_files_behind_links(sandbox, support):
    sandbox.settings(upload_ready_after=0)
    small = support.add_attachments_to_set(attachments=[{"fileName": "<b>.log", "data": b"x" * 2048}])[
        "attachmentSetId"
    ]
    opened(support, attachmentSetId=small, uploadIds=[uploaded(support, b"12345", "heap.hprof")])

    text = fetch(sandbox)[2]

    links = [attrs["href"] for tag, attrs in Parts(text).tags if attrs.get("href", "").startswith("/downloads/")]
    assert [fetch(sandbox, each)[2] for each in links] == ["x" * 2048, "12345"]
    for words in ("&lt;b&gt;.log", "2.0 KB", "heap.hprof", "5 bytes"):
        assert words in text


def test_settings_of_files_are_set_on_the_page(sandbox):
    form = {"part_size": "1000", "upload_ready_after": "0.5", "upload_fails_for": "", "link_validity": "60"}

    assert fetch(sandbox, f"{PAGE}page/settings", form)[0] == 303

    changed = sandbox.settings()
    assert [changed[name] for name in form] == [1000, 0.5, "", 60]
    assert 'value="1000"' in fetch(sandbox)[2]


def test_fault_of_a_part_bears_its_own_name(sandbox):
    fetch(sandbox, f"{PAGE}page/switch-on", {"switch": "lose-part once"})

    assert '<b>Lose a part of a file</b><span class="small muted line">upload.PutPart' in fetch(sandbox)[2]


def test_fault_that_corrupts_is_named(sandbox):
    fetch(sandbox, f"{PAGE}page/switch-on", {"switch": "corrupt-part always"})

    assert '<b>Corrupt a part of a file</b><span class="small muted line">upload.PutPart' in fetch(sandbox)[2]
