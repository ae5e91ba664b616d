"""The queue in a real browser: it shows what changed, but not under the hands of somebody who chooses a time."""

from datetime import timedelta

import pytest
from django.test import Client

from casesite import clock
from casesite.submissions import waiting
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("e2e-pages")]


def test_page_follows_the_queue_but_keeps_a_time_that_is_being_chosen(live_server, page_at, bells):
    team = a_team("Payments")
    author, lead = a_user(team=team), a_user(team=team, role=Role.LEAD)
    case = a_draft(by=author, account=an_account(team), team=team, subject="RDS failover")
    row = a_submission(State.QUEUED, case=case, reviewer=lead)
    client = Client()
    client.force_login(lead)
    page = page_at(live_server)
    page.context.add_cookies(
        [{"name": each.key, "value": each.value, "url": live_server.url} for each in client.cookies.values()]
    )
    page.goto("/queue/")

    until = clock.now() + timedelta(hours=2)
    waiting.hold(row, by=author, until=until, token=row.token)
    page.get_by_text("Let it go on").wait_for()

    page.get_by_text("Change the time…").click()
    typed = f"{until + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    page.get_by_label("Hold back until").fill(typed)
    waiting.resume(row, by=author, token=row.token)
    page.wait_for_timeout(5000)  # longer than the page waits between two looks
    assert page.get_by_label("Hold back until").input_value() == typed

    page.get_by_role("button", name="Hold back").click()
    page.get_by_text("Somebody was quicker, so nothing was done.").wait_for()
    assert Submission.objects.get(pk=row.pk).held_until is None
