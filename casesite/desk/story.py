"""What happened to a case, in the order it happened: revisions, decisions, sendings, looks; and the four steps above it."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from casesite import clock
from casesite.cases import files
from casesite.cases.labels import Label, label_of
from casesite.cases.models import Case, CaseEvent, CaseFile, Kind, Stage
from casesite.catalog.known import LANGUAGES, IssueType
from casesite.catalog.severities import severity_of
from casesite.desk.connect_story import ConnectStory, connect_content
from casesite.desk.expected import AnswerOnceOut, ExpectedAnswer, answer_once_out, expected_answer
from casesite.desk.line import InLine
from casesite.desk.templatetags.desk import person
from casesite.desk.trouble import Trouble, trouble_of
from casesite.submissions import payloads
from casesite.submissions.models import Comment, Decision, Submission, Verdict
from casesite.submissions.models import Kind as SubmissionKind
from casesite.submissions.queue import Queue, queue_for
from casesite.submissions.states import UNFINISHED, State

# Not yet at AWS, and on its way without a doubt.
_ON_ITS_WAY = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING, State.SENDING)
# Events that another line of the story tells better: a revision, an attempt, a look.
_TOLD_ELSEWHERE = frozenset(
    {"created", "saved", "submitted", "preparing", "sending", "unknown", "queued", "delivered", "failed"}
)


@dataclass(frozen=True)
class Moment:
    """One line of the story. `kind` names the fragment that shows it, `subject` is what it shows."""

    at: datetime
    kind: str  # event, revision, attempt, looks
    subject: Any
    by: Any = None
    comments: tuple[Comment, ...] = ()  # on single fields, that came with a decision

    @property
    def template(self) -> str:
        return f"cases/_{self.kind}.html"


@dataclass(frozen=True)
class Looks:
    """Looks at AWS in a row that brought the same."""

    first: Any
    last: Any
    count: int


@dataclass(frozen=True)
class Difference:
    """One field that two revisions do not share."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class File:
    """A file of the case, and how far it is on its way to AWS."""

    name: str
    size: int
    sha256: str
    row: CaseFile | None
    upload: Any = None

    @property
    def key(self) -> Any:
        return self.row.key if self.row else None

    @property
    def progress(self) -> str:
        upload = self.upload
        if upload is None:
            return ""
        if upload.state == "sending" and upload.total_parts:
            return _("%(done)d of %(all)d parts at AWS") % {"done": len(upload.parts), "all": upload.total_parts}
        return str(upload.get_state_display())


@dataclass(frozen=True)
class Revision:
    submission: Submission
    before: Submission | None

    @cached_property
    def differences(self) -> list[Difference]:
        old = shown_content(self.before) if self.before else {}
        new = shown_content(self.submission)
        return [
            Difference(name, old.get(name, ""), new.get(name, ""))
            for name in {**new, **old}
            if old.get(name, "") != new.get(name, "")
        ]

    @property
    def content(self) -> dict[str, str]:
        return shown_content(self.submission)

    @property
    def is_released(self) -> bool:
        """Whether the account's policy let it go without a reviewer."""
        return any(each.what == Verdict.RELEASE and each.by is None for each in self.submission.decisions.all())


@dataclass(frozen=True)
class Step:
    """`state`: done, now, or todo."""

    title: str
    state: str
    at: datetime | None = None
    by: Any = None
    text: str = ""
    tone: str = "wait"


@dataclass
class Story:
    """Everything the case page tells, read in a fixed number of queries."""

    case: Case
    user: Any
    submissions: list[Submission] = field(init=False)

    def __post_init__(self) -> None:
        self.submissions = list(
            self.case.submissions.opening()
            .select_related("submitted_by", "first_approved_by", "account", "case", "held_by", "hurried_by")
            .prefetch_related(
                Prefetch("decisions", Decision.objects.select_related("by")),
                "decisions__comments",
                "attempts",
                "looks",
                "uploads",
            )
            .order_by("revision")
        )

    @cached_property
    def connect(self) -> ConnectStory | None:
        """What is told of a Connect case alone."""
        return ConnectStory(self.case) if self.case.kind == Kind.CONNECT else None

    @property
    def newest(self) -> Submission | None:
        return self.submissions[-1] if self.submissions else None

    @cached_property
    def label(self) -> Label:
        newest = self.newest
        return label_of(
            self.case.stage,
            newest.state if newest else None,
            newest.reason_code if newest else "",
            newest.due_at if newest else None,
            mine=self.case.author_id == self.user.pk,
        )

    @property
    def changes_by_itself(self) -> bool:
        """Whether something is under way: then the page refreshes itself."""
        newest = self.newest
        if newest is None:
            return False
        if self.connect and self.connect.is_under_way:
            return True
        return newest.state in UNFINISHED or (newest.state == State.DELIVERED and not self.case.aws_display_id)

    @property
    def version(self) -> str:
        """Another one whenever the page would show something else."""
        newest = self.newest
        last_event = self.events[-1].pk if self.events else 0
        parts: list[Any] = [
            self.case.stage,
            self.case.version,
            self.case.aws_display_id,
            self.case.aws_status,
            last_event,
        ]
        if self.connect:
            parts += self.connect.version
        if newest:
            parts += [self.queue.gate.circuit, self.queue.gate.blocked_until] if self.queue else []
            parts += [newest.pk.hex[:8], newest.token, len(newest.attempts.all()), len(newest.looks.all())]
            parts += [f"{upload.pk}{upload.state[:1]}{len(upload.parts)}" for upload in newest.uploads.all()]
        return "-".join(str(part) for part in parts)

    # --- now -------------------------------------------------------------------------------------------------------------
    @cached_property
    def queue(self) -> Queue | None:
        """Of the account, while the newest submission waits in it."""
        newest = self.newest
        if newest is None or newest.state not in (State.QUEUED, State.PREPARING):
            return None
        return queue_for(newest, clock.now())

    @property
    def goes_out_at(self) -> datetime | None:
        return self.queue.planned.get(self.newest.pk) if self.queue and self.newest else None

    @property
    def goes_out_now(self) -> bool:
        return self.queue is not None and self.queue.is_now(self.goes_out_at)

    @cached_property
    def trouble(self) -> Trouble | None:
        """What keeps the account from sending, while something of this case is on its way."""
        newest = self.newest
        if newest is None or newest.state not in UNFINISHED:
            return None
        return trouble_of(newest.account, self.queue or queue_for(newest, clock.now()))

    @cached_property
    def in_line(self) -> InLine | None:
        """Its place in the queue of the account, while it waits there."""
        if self.newest is None or self.queue is None:
            return None
        return InLine(self.newest, self.queue, self.user)

    @property
    def answer_once_out(self) -> AnswerOnceOut | None:
        """What the form said of the first answer, while it is on its way: by the time that the queue plans for it."""
        newest = self.newest
        if newest is None or newest.state not in _ON_ITS_WAY:
            return None
        return answer_once_out(self.case, clock.now() if newest.state == State.SENDING else self._leaves_at)

    @property
    def _leaves_at(self) -> datetime | None:
        """When it goes out as far as the page tells it; None while it is reviewed, and where nobody can tell."""
        line = self.in_line
        if line is None:
            return None
        return line.queue.now if line.is_now else line.at

    @property
    def answer_expected(self) -> ExpectedAnswer | None:
        return expected_answer(self.case, self._opened_at)

    @property
    def _opened_at(self) -> datetime | None:
        return next((event.at for event in self.events if event.what in ("delivered", "adopted")), None)

    @cached_property
    def doubted_attempt(self) -> Any:
        """The newest attempt of which nobody knows whether it took effect."""
        attempts = list(self.newest.attempts.all()) if self.newest else []
        return next((attempt for attempt in reversed(attempts) if attempt.outcome == "unknown"), None)

    @cached_property
    def stopped_by(self) -> Decision | None:
        """The decision that returned or rejected the newest submission."""
        newest = self.newest
        if newest is None or newest.state not in (State.RETURNED, State.REJECTED):
            return None
        return self._decision(newest, Verdict.RETURN, Verdict.REJECT)

    # --- facts -----------------------------------------------------------------------------------------------------------
    @cached_property
    def content(self) -> dict[str, Any]:
        """What goes out or went out; of a draft what it holds now."""
        if self.newest and self.case.stage != Stage.DRAFT:
            return dict(self.newest.content)
        if self.connect:
            return self.connect.draft_content
        return payloads.content_of(self.case, self.case.support, files.of_draft(self.case))

    @cached_property
    def files(self) -> list[File]:
        """What goes out or went out with it; of a draft what it holds now."""
        rows = {(row.sha256, row.name): row for row in self.case.files.all()}
        return [
            File(name=file["name"], size=file["size"], sha256=file["sha256"], row=row, upload=self._upload_of(file))
            for file in self.content.get("files", ())
            for row in (rows.get((file["sha256"], file["name"])),)
        ]

    def _upload_of(self, file: dict[str, Any]) -> Any:
        """The file's way to AWS, while it is on it."""
        newest = self.newest
        if newest is None or newest.state not in (State.QUEUED, State.PREPARING, State.SENDING):
            return None
        made = [upload for upload in newest.uploads.all() if upload.state != "dropped"]
        return next((up for up in made if (up.file_sha256, up.file_name) == (file["sha256"], file["name"])), None)

    @property
    def facts(self) -> dict[str, Any]:
        """The choices by the names AWS gave them in the snapshot that the form was built from."""
        if self.connect:
            return self.connect.facts
        catalog, content = self.case.support.catalog, self.content
        service = catalog.snapshot.service(content["service_code"]) if catalog else None
        category = service.category(content["category_code"]) if service else None
        return {
            _("Kind"): dict(IssueType.choices).get(content["issue_type"], content["issue_type"]),
            _("Service"): service.name if service else content["service_code"],
            _("Category"): category.name if category else content["category_code"],
            _("Severity"): severity_of(content["severity_code"]).name,
            _("Language"): dict(LANGUAGES).get(content["language"], content["language"]),
        }

    # --- steps -----------------------------------------------------------------------------------------------------------
    @property
    def steps(self) -> list[Step]:
        return [self._written(), self._reviewed(), self._sent(), self._open()]

    def _written(self) -> Step:
        newest = self.newest
        if newest is None or self.case.stage == Stage.DRAFT:
            return Step(_("Written"), "now", text=str(self.label.text), tone=self.label.tone)
        return Step(_("Written"), "done", newest.submitted_at, text=_("revision %d") % newest.revision)

    def _reviewed(self) -> Step:
        newest = self.newest
        if newest is None or self.case.stage == Stage.DRAFT or newest.state == State.CANCELLED:
            return Step(_("Reviewed"), "todo")
        if newest.state == State.PENDING_REVIEW:
            return Step(_("Waiting for review"), "now", newest.submitted_at, tone="warn")
        if newest.state == State.REJECTED:
            decision = self.stopped_by
            return Step(
                _("Rejected"), "now", decision.at if decision else None, decision.by if decision else None, tone="bad"
            )
        decision = self._decision(newest, Verdict.APPROVE, Verdict.RELEASE)
        if decision and decision.by and decision.what == Verdict.APPROVE:
            first = newest.first_approved_by
            after = _("after %(name)s") % {"name": person(first)} if first else ""
            return Step(_("Approved"), "done", decision.at, decision.by, text=after)
        if decision and decision.by:
            return Step(_("Released"), "done", decision.at, decision.by)
        return Step(_("Not reviewed"), "done", text=_("by the account's setting"))

    def _sent(self) -> Step:
        newest = self.newest
        state = newest.state if newest else None
        if newest is None or self.case.stage in (Stage.DRAFT, Stage.CLOSED) or state == State.PENDING_REVIEW:
            return Step(_("Sent"), "todo")
        attempts = list(newest.attempts.all())
        last = attempts[-1].started_at if attempts else None
        if self.case.aws_case_id:
            return Step(_("Sent"), "done", last)
        if state == State.QUEUED:
            return Step(_("Queued"), "now", None if self.goes_out_now else self.goes_out_at, tone="plain")
        if state in (State.PREPARING, State.SENDING):
            return Step(_("Sending"), "now", last)
        if state == State.NEEDS_ATTENTION:
            return Step(_("Needs a person"), "now", last, tone="bad")
        return Step(_("Sent, no answer yet"), "now", last, tone="doubt")

    def _open(self) -> Step:
        if not self.case.aws_case_id:
            return Step(_("Open at AWS"), "todo")
        return Step(_("Resolved") if self.case.stage == Stage.RESOLVED else _("Open at AWS"), "done", self._opened_at)

    # --- what happened ---------------------------------------------------------------------------------------------------
    @cached_property
    def events(self) -> list[CaseEvent]:
        return list(self.case.events.select_related("by"))

    @cached_property
    def moments(self) -> list[Moment]:
        found = [
            Moment(event.at, "event", event, event.by, self._comments_of(event))
            for event in self.events
            if self._is_told(event)
        ]
        before = None
        for submission in self.submissions:
            revision = Revision(submission, before)
            found.append(Moment(submission.submitted_at, "revision", revision, submission.submitted_by))
            found += [Moment(attempt.started_at, "attempt", attempt) for attempt in submission.attempts.all()]
            found += [Moment(look.at, "look", look) for look in submission.looks.all()]
            before = submission
        order = {"revision": 0, "event": 1, "attempt": 2, "look": 3}
        return _gathered(sorted(found, key=lambda moment: (moment.at, order[moment.kind])))

    def _is_told(self, event: CaseEvent) -> bool:
        if event.what == "failed":  # refused by AWS: its attempt tells; not valid before it was sent: nothing else does
            return not any(
                attempt.outcome == "refused_final"
                for submission in self.submissions
                if submission.pk == event.submission_id
                for attempt in submission.attempts.all()
            )
        return event.what not in _TOLD_ELSEWHERE or (event.what == "delivered" and event.by_id is not None)

    def _comments_of(self, event: CaseEvent) -> tuple[Comment, ...]:
        if event.what not in (State.RETURNED, State.REJECTED):
            return ()
        submission = next((each for each in self.submissions if each.pk == event.submission_id), None)
        decision = self._decision(submission, Verdict.RETURN, Verdict.REJECT) if submission else None
        return tuple(decision.comments.all()) if decision else ()

    @staticmethod
    def _decision(submission: Submission, *verdicts: Verdict) -> Decision | None:
        return next((each for each in reversed(submission.decisions.all()) if each.what in verdicts), None)


def _gathered(moments: list[Moment]) -> list[Moment]:
    """Looks that follow each other and brought the same become one line: there may be hundreds."""
    gathered: list[Moment] = []
    for moment in moments:
        last = gathered[-1] if gathered else None
        if moment.kind != "look":
            gathered.append(moment)
        elif last and last.kind == "looks" and _same_result(last.subject.last, moment.subject):
            looks = Looks(last.subject.first, moment.subject, last.subject.count + 1)
            gathered[-1] = Moment(last.at, "looks", looks)
        else:
            gathered.append(Moment(moment.at, "looks", Looks(moment.subject, moment.subject, 1)))
    return gathered


def _same_result(one: Any, other: Any) -> bool:
    return (one.result, one.counts, one.attempt_id) == (other.result, other.counts, other.attempt_id)


def shown_content(submission: Submission) -> dict[str, str]:
    """A revision's content by the names people know."""
    content = submission.content
    if submission.kind == SubmissionKind.CONNECT_CASE:
        return connect_content(submission)
    return {
        _("Account"): str(submission.account),
        _("Kind"): content["issue_type"],
        _("Service"): content["service_code"],
        _("Category"): content["category_code"],
        _("Severity"): content["severity_code"],
        _("Language"): content["language"],
        _("Subject"): content["subject"],
        _("Description"): content["communication_body"],
        _("Copy to"): ", ".join(content["cc_email_addresses"]),
        **({_("Files"): "\n".join(payloads.file_lines(content))} if content.get("files") else {}),
    }
