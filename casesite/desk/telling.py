"""Telling the demo's stories: each case goes its way by the same steps that people and workers take.

What has to be at AWS before people look is sent from here; the rest is left to the worker.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from casesite import clock
from casesite.cases.models import Case
from casesite.catalog.models import SupportCatalog
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount, Team

from . import drafts
from .demo import Story, Then
from .forms.offer import Offer
from .forms.support import SupportForm

_open = build_opener(ProxyHandler({})).open  # a proxy named in the environment is none of ours


def tell_all(stories: Iterable[Story]) -> None:
    """Have all cases written and decided on, some time ago; then let AWS have what it is to have, now."""
    stories = sorted(stories, key=lambda story: -story.minutes_ago)
    told = [(story, case) for story in stories if story.then != Then.SUBMITTED and (case := _written(story))]
    for story, case in told:
        _decided(story, case)
    sent = sorted((pair for pair in told if pair[0].then in SENDING), key=_account_of)
    with _without_notes(), ThreadPoolExecutor() as threads:  # each account has a gate of its own to wait at
        list(threads.map(_send_each, [list(pairs) for _account, pairs in groupby(sent, key=_account_of)]))
    for story, case in told:
        if story.then in (Then.APPROVED, Then.CANCELLED):
            _approve(story, case)
        if story.then == Then.CANCELLED:
            workflow.cancel(case.submissions.get(), by=case.author)
    for story in stories:  # last, because what needs no review would go out between those above
        if story.then == Then.SUBMITTED:
            _written(story)


def simulator(path: str, **given: Any) -> Any:
    """Tell the simulator something, as its control page would; its answer."""
    request = Request(
        f"{settings.SANDBOX_URL}/_sandbox/{path}", json.dumps(given).encode(), {"Content-Type": "application/json"}
    )
    with _open(request, timeout=10) as answer:
        return json.load(answer)


# --- what people did -----------------------------------------------------------------------------------------------------
def _written(story: Story) -> Case | None:
    """Write a case as its author would have, by the form. None where it is there already."""
    author = _person(story.author)
    if Case.objects.filter(author=author, subject=story.values["subject"]).exists():
        return None
    with minutes_ago(story.minutes_ago):
        form = _filled_in(story, author, story.values | story.before)
        return drafts.store_new(form, by=author, token=drafts.new_token(), submit=story.then != Then.KEPT)


def _decided(story: Story, case: Case) -> None:
    """What reviewer and author did about it since."""
    match story.then:
        case Then.RETURNED | Then.RESUBMITTED | Then.REJECTED:
            stop = workflow.reject if story.then == Then.REJECTED else workflow.return_to_author
            row = case.submissions.get()
            with minutes_ago(story.minutes_ago * 2 // 3):
                stop(row, by=_person(story.reviewer), payload_sha256=row.payload_sha256, reason=story.words)
        case Then.WITHDRAWN:
            with minutes_ago(story.minutes_ago * 2 // 3):
                workflow.withdraw(case.submissions.get(), by=case.author)
    if story.then == Then.RESUBMITTED:
        case.refresh_from_db()
        with minutes_ago(story.minutes_ago // 3):
            form = _filled_in(story, case.author, story.values)
            drafts.store_draft(form, case, by=case.author, version=case.version, submit=True)


def _approve(story: Story, case: Case) -> Submission:
    row: Submission = case.submissions.get()
    workflow.approve(row, by=_person(story.reviewer), payload_sha256=row.payload_sha256)
    return row


# --- what happened at AWS ------------------------------------------------------------------------------------------------
def _send_each(pairs: list[tuple[Story, Case]]) -> None:
    try:
        for story, case in pairs:
            SENDING[story.then](story, case)
    finally:
        connection.close()


def _send(story: Story, case: Case) -> Submission:
    row = _approve(story, case)
    # The sending alone: the worker reads how AWS holds the case, once AWS has done its part of the story.
    call_command("work_off", story.account.account_id, most=1, verbosity=0)
    row.refresh_from_db()
    return row


def _answered(story: Story, case: Case) -> None:
    simulator(f"cases/{_send(story, case).remote_id}/reply", body=story.words)


def _resolved(story: Story, case: Case) -> None:
    row = _send(story, case)
    simulator(f"cases/{row.remote_id}/reply", body=story.words)
    simulator(f"cases/{row.remote_id}/resolve")


def _refused(story: Story, case: Case) -> None:
    _strike(story, "error", code="ValidationException", message=story.words, dry_run=False)
    _send(story, case)


def _lost(story: Story, case: Case) -> Submission:
    """AWS never gets it, which nobody here can know: the line was cut before an answer came."""
    _strike(story, "drop", dry_run=False)
    return _send(story, case)


def _taken_over(story: Story, case: Case) -> None:
    workflow.take_over(_lost(story, case), by=_person("lead"), reason=story.words)


def _strike(story: Story, fault: str, **more: Any) -> None:
    simulator("faults", operation="support.CreateCase", account=story.account.account_id, fault=fault, **more)


SENDING: dict[Then, Callable[[Story, Case], Any]] = {
    Then.ANSWERED: _answered,
    Then.RESOLVED: _resolved,
    Then.REFUSED: _refused,
    Then.CHECKED: _lost,
    Then.TAKEN_OVER: _taken_over,
}


# --- shared --------------------------------------------------------------------------------------------------------------
def _account_of(pair: tuple[Story, Case]) -> str:
    return pair[0].account.account_id


def _person(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def _filled_in(story: Story, author: Any, values: dict[str, Any]) -> SupportForm:
    account = AwsAccount.objects.get(account_id=story.account.account_id)
    values = {"issue_type": "technical", "language": "en", "account": account.pk, **values}
    values["team"] = Team.objects.get(name=story.account.team).pk
    catalog = SupportCatalog.objects.newest_of(account)
    categories = catalog.snapshot.category_choices(values["service_code"]) if catalog else []
    values["category_code"] = categories[0][0] if categories else ""
    form = SupportForm(values, offer=Offer(author, values), submitting=story.then != Then.KEPT)
    if not form.is_valid():
        raise CommandError(f"The demo case “{values['subject']}” does not fit the form: {form.errors.as_text()}")
    return form


@contextmanager
def _without_notes() -> Iterator[None]:
    """A worker's notes on what it sends would only puzzle whoever starts the site."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def minutes_ago(minutes: int) -> Iterator[None]:
    """Let the site's clock show an earlier time, so that the story has some age."""
    then = clock.now() - timedelta(minutes=minutes)
    before = clock.replace(lambda: then)
    try:
        yield
    finally:
        clock.replace(before)
