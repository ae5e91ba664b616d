"""What the review page shows of a request to Amazon Connect: each parameter by name and exactly as AWS receives it, what
is not sent, what goes after it, and whether its template moved on since the form was built.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite.catalog import values
from casesite.catalog.models import CaseTemplate, ConnectTemplate
from casesite.catalog.refit import refit
from casesite.catalog.rule_words import because
from casesite.catalog.rules import Evaluator
from casesite.catalog.template import FieldType, Template
from casesite.catalog.template_changes import Change, changes
from casesite.screening.places import NAMED, Place
from casesite.screening.secrets import Finding, find_secrets
from casesite.submissions import marker as markers
from casesite.submissions.connect import REFERENCE_TAG
from casesite.submissions.models import Kind, Submission

_TEXTS = (FieldType.TEXT, FieldType.URL)
_NAMES = {
    "domainId": gettext_lazy("Domain"),
    "templateId": gettext_lazy("Template"),
    "tags": gettext_lazy("Tags"),
    "performedBy": gettext_lazy("Recorded as done by"),
    "clientToken": gettext_lazy("Client token"),
}


@dataclass(frozen=True)
class Sent:
    """A value as AWS receives it: the member of its union, and the very text; `said` is what people call it."""

    name: Any
    aws_name: str
    exact: str
    member: str = ""
    said: str = ""
    is_text: bool = False
    known: bool = True  # whether the template has such a field
    secrets: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """What was typed and does not go out."""

    name: str
    id: str
    typed: str
    why: str


@dataclass(frozen=True)
class Drift:
    """What changed in the template since the form was built, and what of this case it would refuse or leave out."""

    since: CaseTemplate
    newest: CaseTemplate
    changes: list[Change]
    problems: list[str]

    @property
    def seen_at(self) -> datetime:
        return self.newest.seen_at

    @property
    def as_reason(self) -> str:
        """What an author needs who gets the case back for it."""
        said = [_("The template changed since you filled it in.")]
        return "\n".join([*said, *(self.problems or [change.text for change in self.changes])])[:2000]


class ConnectRequest:
    """One submission that opens a Connect case, as its page shows it. Points in time are told in the reader's zone."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        rows = CaseTemplate.objects.select_related("template__domain__account", "template__newest")
        assert submission.template_version_id is not None
        self.version = rows.defer("content", "template__newest__content").get(pk=submission.template_version_id)
        self.snapshot: Template = self.version.snapshot
        self.zone: tzinfo = timezone.get_current_timezone()

    @property
    def template(self) -> ConnectTemplate:
        return self.version.template

    # --- what goes out -----------------------------------------------------------------------------------------------
    @cached_property
    def fields(self) -> list[Sent]:
        return [self._field(field["id"], field["value"]) for field in self.submission.payload["fields"]]

    def _field(self, id_: str, union: Mapping[str, Any]) -> Sent:
        member, value = next(iter(union.items()))
        field = self.snapshot.by_id.get(id_)
        if field is None:
            return Sent(id_, id_, _as_text(value), member, known=False)
        said = self.submission.content["names"].get(value, "") if isinstance(value, str) else ""
        is_text = field.type in _TEXTS and isinstance(value, str) and not said
        if not is_text and not said:
            said = values.in_words(field, value, self.zone)
        exact = _as_text(value)
        return Sent(
            field.name,
            id_,
            exact,
            member,
            said="" if said == exact else said,
            is_text=is_text,
            secrets=tuple(find_secrets(value)) if is_text else (),
        )

    @cached_property
    def others(self) -> list[Sent]:
        """The parameters beside the fields. One that this page does not know comes last, by AWS's name."""
        payload = self.submission.payload
        order = [*(name for name in _NAMES if name in payload), *(name for name in payload if name not in _NAMES)]
        return [self._other(name, payload[name]) for name in order if name not in ("fields", "tags")]

    def _other(self, name: str, value: Any) -> Sent:
        content = self.submission.content
        said = {"domainId": content["domain_name"], "templateId": content["template_name"]}.get(name, "")
        member = ""
        if name == "performedBy" and isinstance(value, dict) and len(value) == 1:
            member, value = next(iter(value.items()))
        return Sent(_NAMES.get(name, name), name, _as_text(value), member, said=said)

    @property
    def tags(self) -> list[tuple[str, str, bool]]:
        """Key, value, and whether it is the reference by which the case is found again."""
        given = self.submission.payload.get("tags", {})
        return [(key, value, key == REFERENCE_TAG) for key, value in given.items()]

    @property
    def tags_of_template(self) -> list[tuple[str, str]]:
        """Those that Amazon Connect puts on by itself."""
        return list(self.snapshot.tags)

    @cached_property
    def comment(self) -> Sent | None:
        """What is added once the case is there."""
        typed = self.submission.content["first_comment"]
        if not typed.strip():
            return None
        exact = markers.with_line(typed, self.submission.marker)
        return Sent(
            _("First comment"),
            "connectcases.BatchCreateRelatedItem",
            exact,
            "body",
            is_text=True,
            secrets=tuple(find_secrets(exact)),
        )

    @property
    def exact_texts(self) -> Iterator[str]:
        """All texts that AWS receives."""
        yield from (sent.exact for sent in (*self.fields, *self.others))
        yield from (text for key, value, _ours in self.tags for text in (key, value))
        if self.comment:
            yield self.comment.exact

    @property
    def places(self) -> list[Place]:
        """Where a secret seems to stand."""
        texts = [*self.fields, *([self.comment] if self.comment else [])]
        return [
            Place(NAMED, finding.line, finding.kind, " ".join(str(sent.name).split()))
            for sent in texts
            for finding in sent.secrets
        ]

    # --- what does not -----------------------------------------------------------------------------------------------
    @cached_property
    def dropped(self) -> list[Dropped]:
        content = self.submission.content
        if not content["dropped"]:
            return []
        known = {field["id"]: next(iter(field["value"].values())) for field in content["fields"]}
        states = Evaluator(self.snapshot).evaluate(known).states
        found = []
        for each in content["dropped"]:
            field, state = self.snapshot.by_id.get(each["id"]), states.get(each["id"])
            if state and state.hidden:
                why = _("Hidden because %(why)s.") % {"why": because(self.snapshot, state.hidden_because)}
            else:
                why = _("The form does not ask for it.")
            found.append(Dropped(field.name if field else each["id"], each["id"], each["typed"], why))
        return found

    # --- the template since ------------------------------------------------------------------------------------------
    @cached_property
    def drift(self) -> Drift | None:
        """None where the form's version is the newest, and takes cases."""
        row = self.template
        newest = row.newest
        open_now = row.active and row.deleted_at is None and row.domain.gone_at is None
        if newest is None or (newest.pk == self.version.pk and open_now):
            return None
        fields = self.submission.content["fields"]
        found = refit(
            newest.snapshot,
            fields,
            customer_always=row.customer_always,
            open_now=open_now,
            before=self.snapshot,
        )
        return Drift(self.version, newest, changes(self.snapshot, newest.snapshot), found.sentences)


def request_of(submission: Submission) -> ConnectRequest | None:
    """None for what opens no Connect case."""
    return ConnectRequest(submission) if submission.kind == Kind.CONNECT_CASE else None


def compared(submission: Submission) -> dict[str, Any]:
    """What of a revision is held against the next, by the names that people know."""
    content, version = submission.content, submission.template_version
    assert version is not None
    snapshot, zone = version.snapshot, timezone.get_current_timezone()
    told: dict[str, Any] = {_("Template"): f"{content['template_name']}, {content['domain_name']}, {content['region']}"}
    for field in content["fields"]:
        id_, value = field["id"], next(iter(field["value"].values()))
        asked = snapshot.by_id.get(id_)
        name = asked.name if asked else id_
        if name in told:
            name = f"{name} ({id_})"
        said = values.in_words(asked, value, zone) if asked else _as_text(value)
        called = content["names"].get(value, "") if isinstance(value, str) else ""
        told[name] = f"{called} ({value})" if called else said
    told |= {
        _("Tags"): [f"{key}={value}" for key, value in sorted(content["tags"].items())],
        _("First comment"): content["first_comment"],
        _("Recorded as done by"): content["performed_by"],
    }
    return told


def _as_text(value: Any) -> str:
    """A value as it stands in the request, texts without their quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
