"""Keeping what a form holds: one rendering of the form is one wish, and nobody's text is overwritten unawares.

A new form carries a random token that the case keeps; the same token comes to the same case. A draft's form carries the
draft's version; what is saved over an older one is told.

A page that saves by itself counts its savings: it is not told about its own, whose answer may be late or lost, and of two
that arrive in the wrong order the later one stays.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from casesite import clock, prepared
from casesite.cases import files
from casesite.cases.models import Case, ConnectContent, Kind, Stage, SupportContent
from casesite.database import write
from casesite.submissions import workflow
from casesite.submissions.models import Submission

from .forms.connect_case import ConnectCaseForm
from .forms.support import SupportForm

FIRST_VERSION = 1
TEXT_FIELDS = (
    "issue_type",
    "service_code",
    "category_code",
    "language",
    "communication_body",
    "cc_email_addresses",
)
DraftForm = SupportForm | ConnectCaseForm
_TOKEN = re.compile(r"[\w-]{20,64}", re.ASCII)


class AlreadySent(Exception):
    """The case was submitted or closed meanwhile, with another text than this."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.reference)
        self.case = case


class ChangedElsewhere(Exception):
    """The draft was changed since this form was rendered, and the texts differ."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.reference)
        self.case = case


class ForeignToken(Exception):
    """The token belongs to somebody else's form, or is none of ours."""


class Overtaken(Exception):
    """The same page saved something newer before this arrived."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.reference)
        self.case = case


@dataclass(frozen=True)
class Saving:
    """Which of a page's savings this is. Without a script a page does not count: each of its posts has the same number."""

    page: str = ""
    serial: int = 0
    by_itself: bool = False

    @classmethod
    def of(cls, posted: Any, *, by_itself: bool = False) -> "Saving":
        page, serial = str(posted.get("page", "")), str(posted.get("serial", ""))
        counted = serial.isascii() and serial.isdigit() and len(serial) < 10
        return cls(page if _TOKEN.fullmatch(page) else "", int(serial) if counted else 0, by_itself)

    def __str__(self) -> str:
        return f"{self.page}:{self.serial}" if self.page else ""

    def follows(self, case: Case) -> bool:
        """Whether the same page saved the draft last, and this later."""
        serial = self._last_serial(case)
        return serial is not None and self.serial > serial

    def is_of_same_page(self, case: Case) -> bool:
        return self._last_serial(case) is not None

    def check_not_overtaken(self, case: Case) -> None:
        serial = self._last_serial(case)
        if self.by_itself and serial is not None and self.serial <= serial:
            raise Overtaken(case)

    def _last_serial(self, case: Case) -> int | None:
        page, _, serial = case.saved_by.rpartition(":")
        return int(serial) if page and page == self.page else None


def new_token() -> str:
    return secrets.token_urlsafe(24)


def version_of(token: str) -> int:
    """The version of the draft that a form was rendered from, as it carries it."""
    return int(token) if token.isascii() and token.isdigit() and len(token) < 10 else 0


def is_older(case: Case, version: int, saving: Saving) -> bool:
    """Whether the draft was changed elsewhere since a page with this version was rendered."""
    return case.version != version and not saving.follows(case)


def store_new(form: DraftForm, *, by: Any, token: str, submit: bool, saving: Saving = Saving()) -> Case:
    """Make a draft of a valid form and submit it where asked; the same token again comes to the same case.

    Raises AlreadySent or ChangedElsewhere where that case moved on with another text, ForeignToken for a token that
    can't be used, and whatever `workflow.submit` raises.
    """
    if not _TOKEN.fullmatch(token):
        raise ForeignToken
    with write():
        case = _create(form, by, token, submit, saving)
    return case or _again(form, by, token, submit, saving)


def store_draft(form: DraftForm, case: Case, *, by: Any, version: int, submit: bool, saving: Saving = Saving()) -> Case:
    """Save a valid form over the draft it was rendered from, and submit it where asked.

    Raises AlreadySent or ChangedElsewhere where the texts differ, Overtaken for what a page saved by itself before
    something newer of its own; the same text again changes nothing.
    """
    with write():
        case = _locked(case.pk)
        saving.check_not_overtaken(case)
        if case.stage != Stage.DRAFT:
            if _was_sent(case, form):
                return case
            raise AlreadySent(case)
        if not _is_same(case, form):
            if is_older(case, version, saving):
                raise ChangedElsewhere(case)
            _update(case, form, by, saving)
        elif submit and case.version != version and _is_newest_sent(case, form):
            return case  # the answer to this very click was lost; it is not a wish for another revision
        return _submit(case, form, by) if submit else case


def copy_of(source: Case, *, by: Any, token: str) -> tuple[Case, list[str]]:
    """A new draft with the text and files of a case that the person may see; and the names of files that are gone.

    The same token again comes to the same draft. The text has no reference line: that is made when it is submitted.
    """
    if not _TOKEN.fullmatch(token):
        raise ForeignToken
    with write():
        made = Case.objects.filter(form_token=token).first()
        if made:
            if made.author_id != by.pk:
                raise ForeignToken
            return made, []
        now = clock.now()
        case = Case.objects.create(
            kind=source.kind,
            author=by,
            team=source.team,
            account=source.account,
            subject=source.subject,
            severity_code=source.severity_code,
            form_token=token,
            created_at=now,
            changed_at=now,
        )
        if source.kind == Kind.CONNECT:
            _copy_connect(case, source)
        else:
            names = (*TEXT_FIELDS, "catalog_id")
            SupportContent.objects.create(case=case, **{name: getattr(source.support, name) for name in names})
        case.events.create(at=now, by=by, what="created")
        case.events.create(at=now, by=by, what="copied", text=source.reference)
    return case, files.copy_to(case, source, by=by)


def _copy_connect(case: Case, source: Case) -> None:
    """By the template's newest version: what it no longer has is told when the draft is opened."""
    held = source.connect
    ConnectContent.objects.create(
        case=case,
        template=held.template,
        version=held.template.newest or held.version,
        typed=held.typed,
        time_zone=held.time_zone,
        tags=held.tags,
        names=held.names,
        first_comment=held.first_comment,
    )


def _create(form: DraftForm, by: Any, token: str, submit: bool, saving: Saving) -> Case | None:
    """A new case, or None where the token has one: of two clicks the second waits for the first one's row."""
    now = clock.now()
    case = Case(
        kind=form.kind,
        author=by,
        form_token=token,
        saved_by=str(saving),
        created_at=now,
        changed_at=now,
        **form.case_fields,
    )
    if not prepared.insert(case, once="form_token"):
        return None
    form.create_content(case)
    if form.held:
        files.attach(case, form.held)
    case.events.create(at=now, by=by, what="created")
    return _submit(case, form, by) if submit else case


def _again(form: DraftForm, by: Any, token: str, submit: bool, saving: Saving) -> Case:
    """What comes from a form that made a case already: a double click, a reload, or Back and another go."""
    with write():
        pk = Case.objects.filter(form_token=token, author=by).values_list("pk", flat=True).first()
        if pk is None:
            raise ForeignToken
        case = _locked(pk)
        saving.check_not_overtaken(case)
        if case.submissions.exists() or case.stage != Stage.DRAFT:
            if _was_sent(case, form) or _is_same(case, form):
                return case
            raise AlreadySent(case)
        if not _is_same(case, form):
            if is_older(case, FIRST_VERSION, saving):
                raise ChangedElsewhere(case)
            _update(case, form, by, saving)
        return _submit(case, form, by) if submit else case


def _locked(pk: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("support", "connect").get(pk=pk)


def _update(case: Case, form: DraftForm, by: Any, saving: Saving) -> None:
    """What a page saves by itself, every few seconds, is no event of the case's story."""
    now = clock.now()
    changed = Case.objects.filter(pk=case.pk, version=case.version, stage=Stage.DRAFT).update(
        version=F("version") + 1, changed_at=now, saved_by=str(saving), **form.case_fields
    )
    if not changed:
        raise ChangedElsewhere(case)
    if case.team_id != form.case_fields["team"].pk:  # revisions that came back go along
        case.submissions.update(team=form.case_fields["team"])
    form.update_content(case)
    files.attach(case, form.held)
    if not saving.by_itself:
        case.events.create(at=now, by=by, what="saved")


def _submit(case: Case, form: DraftForm, by: Any) -> Case:
    row = workflow.submit_within(case, by=by)
    if form.advice.secrets:
        case.events.create(
            at=row.submitted_at, by=by, what="confirmed_secrets", text=form.advice.record, submission_id=row.pk
        )
    return case


def _is_same(case: Case, form: DraftForm) -> bool:
    fields = form.case_fields
    return (
        form.holds_same_as(case)
        and case.account_id == getattr(fields["account"], "pk", None)
        and case.team_id == fields["team"].pk
    )


def _was_sent(case: Case, form: DraftForm) -> bool:
    return any(_holds(submission, form) for submission in case.submissions.all())


def _is_newest_sent(case: Case, form: DraftForm) -> bool:
    newest = case.submissions.opening().filter(newest=True).first()
    return newest is not None and _holds(newest, form)


def _holds(submission: Submission, form: DraftForm) -> bool:
    account = form.case_fields["account"]
    return submission.content == form.content and submission.account_id == getattr(account, "pk", None)
