"""What reviewers see of secrets: kind and line, marked in the text, and who ticked that they are sent."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from casesite.review.marks import marked
from casesite.screening.secrets import find_secrets
from casesite.submissions.models import Submission
from tests.factories import a_catalog
from tests.screening.made import MAKERS

from .conftest import review_url

SECRET = MAKERS["secret key"]("review")
LEAKING = f"Since 09:12.\naws_secret_access_key = {SECRET}\nThat is all."


def checked(answer):
    page = answer.content.decode()
    panel = page[page.index("<h2>Checked</h2>") :].split("</ul>")[0]
    return [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in re.findall(r"<li.*?</li>", panel, re.DOTALL)]


@pytest.fixture
def ticked(author, account, as_user, bells):
    """Written and submitted in the form, with the tick."""
    a_catalog(account)
    url = reverse("case_new_support")
    client = as_user(author)
    token = re.search(r'name="form_token" value="([^"]*)"', client.get(url).content.decode())[1]
    client.post(
        url,
        {
            "account": str(account.pk),
            "issue_type": "technical",
            "service_code": "amazon-relational-database-service-postgresql",
            "category_code": "general-guidance",
            "severity_code": "normal",
            "language": "en",
            "subject": "RDS failover",
            "communication_body": LEAKING,
            "form_token": token,
            "action": "submit",
            "confirm_secrets": "on",
        },
    )
    return Submission.objects.get()


def test_clean_text_is_said_to_be_clean(as_user, reviewer, waiting):
    assert "No keys or passwords were found in the text" in checked(as_user(reviewer).get(review_url(waiting)))


def test_reviewer_sees_kind_line_and_who_ticked(as_user, reviewer, ticked):
    checks = checked(as_user(reviewer).get(review_url(ticked)))

    assert "Line 2 seems to hold a secret: AWS secret access key." in checks
    assert any(check.startswith("author ticked that it is sent all the same") for check in checks)


def test_secret_that_nobody_ticked_is_told(as_user, reviewer, submitted):
    submission = submitted(communication_body=LEAKING, subject=f"Token {MAKERS['github']('review')}")

    checks = checked(as_user(reviewer).get(review_url(submission)))

    assert "The subject seems to hold a secret: GitHub token." in checks
    assert "Nobody ticked that it is sent all the same" in checks


def test_secret_is_marked_in_the_text_and_stands_nowhere_else(as_user, reviewer, ticked):
    page = as_user(reviewer).get(review_url(ticked)).content.decode()

    assert f'<mark class="mark-secret" title="AWS secret access key">{html.escape(SECRET)}</mark>' in page
    assert page.count(html.escape(SECRET)) == 1


def test_marks_leave_the_text_as_it_is():
    text = f"one\t <b> \naws_secret_access_key = {SECRET} \n\u200bend"

    shown = str(marked(text, find_secrets(text)))

    assert html.unescape(re.sub(r"<[^>]+>", "", shown)) == text
    assert shown.count("<mark") == shown.count("</mark>") == 1


def test_only_a_finding_asks_one_question_more(as_user, reviewer, submitted):
    client = as_user(reviewer)
    clean, leaking = submitted(), submitted(communication_body=LEAKING)

    def queries(submission):
        client.get(review_url(submission))
        with CaptureQueriesContext(connection) as seen:
            client.get(review_url(submission))
        return len(seen)

    assert queries(leaking) == queries(clean) + 1
