"""Texts in Japanese, Arabic and characters of four bytes: from the form by way of the review to AWS, found again, and shown in their direction."""

from html import unescape
from html.parser import HTMLParser

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from casesite.cases.models import Case
from casesite.submissions import marker
from casesite.submissions.models import Comment, Decision, Submission
from casesite.submissions.states import State
from casesite.teams.models import CannedText, Role
from tests.delivery.steps import work_off
from tests.factories import PASSWORD, a_draft, a_submission, a_user, an_account
from tests.storages import keep_in

from .conftest import NEW, edit_url, new_token, post_edit, post_new, signed_in

WORDS = ("障害", "عطل", "\U00020bb7野家", "🦀")  # U+20BB7 is beyond the first plane, as the emoji is
SUBJECT = "RDS の障害 عطل في قاعدة البيانات \U00020bb7野家 🦀"
BODY = (
    "09:12 UTC から接続できません。「\U00020bb7野家」の障害です。\n"
    "لا يمكن الاتصال بقاعدة البيانات منذ الساعة 09:12، عطل كامل.\n"
    "👩‍👩‍👧 🦀 e\u0301 ＲＤＳ \u200f(db-1)\u200f\n"  # joined, composed, wide, and marks of direction
)
FILE_NAME = "障害ログ عطل \U00020bb7 🦀.txt"
FILE = "障害 عطل \U00020bb7 🦀\n".encode()
REASON = "どのクラスタの障害ですか。 أي مجموعة فيها عطل؟ \U00020bb7 🦀"
COMMENT = "いつからの障害ですか。\nمنذ متى هذا العطل؟ \U00020bb7 🦀"
CANNED = "定型文 障害 عطل \U00020bb7 🦀"
ACCOUNT = "決済 障害 عطل \U00020bb7 🦀"


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    keep_in(settings, tmp_path)


@pytest.fixture
def account(team):
    return an_account(team, name=ACCOUNT)


@pytest.fixture
def canned(team):
    return CannedText.objects.create(team=team, name=CANNED, subject=SUBJECT, body="障害 عطل {account_name}:\n")


@pytest.fixture
def written(typed):
    return typed | {"subject": SUBJECT, "communication_body": BODY.replace("\n", "\r\n")}


@pytest.fixture
def submitted(client, written):
    """By the form, with a file."""
    post_new(client, written, files=[SimpleUploadedFile(FILE_NAME, FILE)])
    return Submission.objects.get()


def decide(reviewer, submission, decision, **more):
    given = {"decision": decision, "payload_sha256": submission.payload_sha256, **more}
    answer = signed_in(reviewer).post(review_url(submission), given)
    submission.refresh_from_db()
    return answer


def review_url(submission):
    return reverse("admin:submissions_submission_change", args=[submission.pk])


# --- to AWS ----------------------------------------------------------------------------------------------------------------
def test_aws_holds_what_was_written(sandbox, client, submitted, reviewer):
    decide(reviewer, submitted, "approve")
    work_off(submitted)

    [case] = sandbox.cases()
    assert submitted.state == State.DELIVERED
    assert case.subject == SUBJECT
    text, line = case.body.rsplit("\n\n", 1)
    assert text == BODY
    assert (line, marker.in_body(case.body)) == (f"Ref: {submitted.marker}", submitted.marker)
    assert [(file.name, file.size) for file in case.attachments] == [(FILE_NAME, len(FILE))]


def test_text_of_the_team_goes_to_aws_as_its_lead_wrote_it(sandbox, client, typed, canned, reviewer):
    empty = typed | {"subject": "", "communication_body": ""}
    form = client.post(
        NEW, empty | {"form_token": new_token(client), "canned_text": canned.pk, "action": "insert_text"}
    ).context["form"]
    body = f"障害 عطل {ACCOUNT}:\n{BODY}"
    filled = {"subject": form.initial["subject"], "communication_body": form.initial["communication_body"] + BODY}
    post_new(client, typed | filled)
    submission = Submission.objects.get()

    decide(reviewer, submission, "approve")
    work_off(submission)

    [case] = sandbox.cases()
    assert case.subject == SUBJECT
    assert case.body.rsplit("\n\n", 1)[0] == body


def test_what_a_reviewer_writes_comes_back_as_it_is(sandbox, client, submitted, written, reviewer):
    given = {"comment-subject": COMMENT.replace("\n", "\r\n"), "comment-files": COMMENT.replace("\n", "\r\n")}

    decide(reviewer, submitted, "return", reason=REASON, **given)

    assert (submitted.state, Decision.objects.get().reason) == (State.RETURNED, REASON)
    assert {each.field: each.text for each in Comment.objects.all()} == {"subject": COMMENT, "files": COMMENT}
    page = unescape(client.get(edit_url(submitted.case)).content.decode()).replace("<br>", "\n")
    assert (page.count(REASON), page.count(COMMENT)) == (1, 2)

    post_edit(client, submitted.case, written | {"subject": f"{SUBJECT} 2"}, "submit", kept_files=_key(submitted))
    again = Submission.objects.get(revision=2)
    decide(reviewer, again, "approve")
    work_off(again)
    [case] = sandbox.cases()
    assert (case.subject, [file.name for file in case.attachments]) == (f"{SUBJECT} 2", [FILE_NAME])


def _key(submission):
    return submission.case.files.get().key


# --- found -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", [*WORDS, "قاعدة البيانات", "野家", " ".join(WORDS)])
def test_list_finds_the_case_by_a_word_of_each_script(client, submitted, author, word):
    a_draft(by=author, account=submitted.account, subject="請求書の金額 فاتورة \U00020bb8 🐙")

    found = client.get("/cases/", {"q": word}).context["page"].rows

    assert [case.subject for case in found] == [SUBJECT]


# --- shown -----------------------------------------------------------------------------------------------------------------
class Undirected(HTMLParser):
    """Pieces of a page that hold such words outside an element that takes its direction from them."""

    VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
    SILENT = frozenset({"title", "script", "option"})  # a browser gives these a direction of their own, or none

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.seen = [], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        directed = tag == "bdi" or given.get("dir") == "auto" or tag in self.SILENT
        hidden = "visually-hidden" in (given.get("class") or "").split() or given.get("type") == "hidden"
        if tag not in self.VOID:
            self.open.append((tag, directed or hidden))
        elif tag == "input" and not (directed or hidden):
            self.handle_data(given.get("value") or "")

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if any(word in data for word in WORDS):
            self.seen += 1
            if not any(directed for _tag, directed in self.open):
                self.found.append(" ".join(data.split()))


def assert_directed(page, seen):
    """At least so many pieces hold words, and none of them stands in the direction of the page."""
    assert page.status_code == 200
    held = Undirected(page.content.decode())
    assert (held.found, held.seen >= seen) == ([], True), held.seen


def test_check_sees_what_has_no_direction():
    page = Undirected('<p dir="auto">障害 <b>عطل</b></p><p>障害</p><input value="🦀"><bdi>障害</bdi>')

    assert (page.found, page.seen) == (["障害", "🦀"], 5)


def test_pages_of_the_author_show_texts_in_their_direction(client, submitted, canned):
    address = submitted.case.get_absolute_url()
    for page, seen in (("/", 1), ("/cases/", 2), (address, 6), (NEW, 1)):
        assert_directed(client.get(page), seen)


def test_search_is_written_in_its_direction(client, submitted, reviewer):
    asked = {"q": "عطل"}

    assert_directed(client.get("/cases/", asked), 3)
    assert_directed(signed_in(reviewer).get("/admin/submissions/submission/", asked), 2)


def test_pages_of_who_runs_the_site_and_of_a_lead_show_texts_in_their_direction(
    client, submitted, author, team, account
):
    case = a_draft(by=author, account=account, subject=SUBJECT)
    unclear = a_submission(State.NEEDS_ATTENTION, case=case)
    lead = signed_in(a_user("haas", team=team, role=Role.LEAD))

    assert_directed(lead.get(reverse("admin:submissions_submission_attention", args=[unclear.pk])), 3)
    assert_directed(lead.get("/"), 2)
    root = signed_in(get_user_model().objects.create_superuser("root", password=PASSWORD))
    assert_directed(root.get("/admin/delivery/"), 2)
    assert_directed(lead.get(f"/accounts/{account.pk}/"), 2)


def test_pages_of_a_returned_case_show_texts_in_their_direction(client, submitted, reviewer):
    given = {f"comment-{name}": COMMENT for name in ("subject", "communication_body", "files")}
    decide(reviewer, submitted, "return", reason=REASON, **given)
    address = submitted.case.get_absolute_url()

    assert_directed(client.get(address), 9)
    assert_directed(client.get(edit_url(submitted.case)), 8)
    assert_directed(client.get("/"), 2)


def test_pages_of_a_discarded_and_of_a_like_case_show_texts_in_their_direction(client, author, account, written):
    case = a_draft(by=author, account=account, subject=SUBJECT)
    client.post(case.get_absolute_url(), {"action": "discard"})
    assert Case.objects.get(pk=case.pk).stage == "closed"
    assert_directed(client.get("/"), 1)

    post_new(client, written)
    like = client.post(NEW, written | {"form_token": "x" * 32, "action": "update"})
    assert "Looks alike" in like.content.decode()
    assert_directed(like, 3)


def test_pages_of_a_case_on_its_way_and_at_aws_show_texts_in_their_direction(sandbox, client, submitted, reviewer):
    decide(reviewer, submitted, "approve")
    assert_directed(client.get("/queue/"), 1)
    assert_directed(client.get(submitted.case.get_absolute_url()), 6)

    work_off(submitted)

    assert submitted.state == State.DELIVERED
    assert_directed(client.get(submitted.case.get_absolute_url()), 8)
    assert_directed(client.get("/"), 1)


def test_pages_of_reviewers_show_texts_in_their_direction(client, submitted, written, reviewer):
    reviewers = signed_in(reviewer)
    assert_directed(reviewers.get("/admin/submissions/submission/"), 1)
    assert_directed(reviewers.get(review_url(submitted)), 6)

    given = {f"comment-{name}": COMMENT for name in ("subject", "communication_body", "files")}
    decide(reviewer, submitted, "return", reason=REASON, **given)
    post_edit(client, submitted.case, written | {"subject": f"{SUBJECT} 2"}, "submit")

    assert_directed(reviewers.get(review_url(Submission.objects.get(revision=2))), 10)
