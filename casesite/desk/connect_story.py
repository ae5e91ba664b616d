"""What the case page tells of a Connect case: its values by name, where it stands at AWS, and what went along with it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from casesite.cases import files
from casesite.cases.models import Case, ConnectContent
from casesite.catalog.rule_words import name_of
from casesite.catalog.template import Template
from casesite.catalog.values import in_words
from casesite.submissions import connect, payloads
from casesite.submissions.models import Submission
from casesite.submissions.states import UNFINISHED


@dataclass(frozen=True)
class Shown:
    """A field as people read it. `name` is what was chosen, where the value itself is an ARN."""

    field: str
    value: str
    name: str = ""


def shown_fields(template: Template, content: dict[str, Any], zone: ZoneInfo) -> list[Shown]:
    """What goes out, by the names of fields and options."""
    shown = []
    for sent in content["fields"]:
        field, value = template.by_id.get(sent["id"]), next(iter(sent["value"].values()))
        words = in_words(field, value, zone) if field else str(value)
        shown.append(Shown(name_of(template, sent["id"]), words, content["names"].get(value, "")))
    return shown


def dropped_fields(template: Template, content: dict[str, Any]) -> list[Shown]:
    """What was typed and does not go out."""
    return [Shown(name_of(template, each["id"]), each["typed"]) for each in content["dropped"]]


def connect_content(submission: Submission) -> dict[str, str]:
    """A revision's content by the names people know."""
    content, version = submission.content, submission.template_version
    assert version is not None
    zone = ZoneInfo("UTC")
    told = {
        _("Account"): str(submission.account),
        _("Template"): content["template_name"],
        _("Domain"): f"{content['domain_name']} ({content['region']})",
    }
    for shown in shown_fields(version.snapshot, content, zone):
        told[shown.field] = f"{shown.name} {shown.value}".strip()
    told |= {
        _("Not sent: %(field)s") % {"field": shown.field}: shown.value
        for shown in dropped_fields(version.snapshot, content)
    }
    if content["tags"]:
        told[_("Tags")] = "\n".join(f"{key}={value}" for key, value in sorted(content["tags"].items()))
    if content["first_comment"]:
        told[_("First comment")] = content["first_comment"]
    if content.get("files"):
        told[_("Files")] = "\n".join(payloads.file_lines(content))
    return told


class ConnectStory:
    """Read in a fixed number of queries."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def held(self) -> ConnectContent:
        rows = ConnectContent.objects.select_related("template__domain", "template__newest", "version")
        return rows.get(pk=self.case.pk)

    @cached_property
    def newest(self) -> Submission | None:
        return self.case.submissions.opening().filter(newest=True).select_related("template_version").first()

    @property
    def template(self) -> Template:
        """The version that what is shown was filled in by."""
        if self.newest and self.newest.template_version and self.case.stage != "draft":
            return self.newest.template_version.snapshot
        return self.held.version.snapshot

    @cached_property
    def draft_content(self) -> dict[str, Any]:
        """What the draft holds; tags that can't be read are left out."""
        held = self.held
        try:
            return connect.content_of(self.case, held, files.of_draft(self.case))
        except ValidationError:
            return connect.content_of(self.case, self._without_tags(held), files.of_draft(self.case))

    @staticmethod
    def _without_tags(held: ConnectContent) -> ConnectContent:
        return ConnectContent(
            template=held.template,
            version=held.version,
            typed=held.typed,
            time_zone=held.time_zone,
            names=held.names,
            first_comment=held.first_comment,
        )

    @cached_property
    def content(self) -> dict[str, Any]:
        if self.newest and self.case.stage != "draft":
            return dict(self.newest.content)
        return self.draft_content

    @property
    def fields(self) -> list[Shown]:
        return shown_fields(self.template, self.content, ZoneInfo(self.held.time_zone))

    @property
    def dropped(self) -> list[Shown]:
        return dropped_fields(self.template, self.content)

    @property
    def facts(self) -> dict[str, str]:
        content = self.content
        told = {
            _("Template"): content["template_name"],
            _("Domain"): f"{content['domain_name']} ({content['region']})",
            _("Acts as"): content["performed_by"],
        }
        if content["tags"]:
            told[_("Tags")] = ", ".join(f"{key}={value}" for key, value in sorted(content["tags"].items()))
        return told

    # --- at AWS ------------------------------------------------------------------------------------------------------------
    @property
    def arn(self) -> str:
        return self.held.template.domain.case_arn(self.case.aws_case_id) if self.case.aws_case_id else ""

    @property
    def link(self) -> str:
        return self.held.template.domain.link_to(self.case.aws_case_id) if self.case.aws_case_id else ""

    @property
    def differences(self) -> list[dict[str, Any]]:
        """What AWS shows otherwise than it was sent, both as people read them."""
        told = []
        for row in (self.held.confirmed or {}).get("differences", ()):
            field = self.template.by_id.get(row["id"])
            told.append(
                {"name": row["name"], "sent": self._words(field, row["sent"])} | self._shown(field, row["shown"])
            )
        return told

    def _shown(self, field: Any, union: dict[str, Any] | None) -> dict[str, Any]:
        return {"shown": self._words(field, union) if union else ""}

    def _words(self, field: Any, union: dict[str, Any]) -> str:
        value = next(iter(union.values()))
        return in_words(field, value, ZoneInfo(self.held.time_zone)) if field else str(value)

    # --- what went along -----------------------------------------------------------------------------------------------------
    @cached_property
    def companions(self) -> list[Submission]:
        return list(self.case.submissions.companions())

    @property
    def is_under_way(self) -> bool:
        return any(row.state in UNFINISHED for row in self.companions)

    @property
    def version(self) -> list[Any]:
        """Other values whenever the page would show something else."""
        return [bool(self.held.confirmed), *(f"{row.pk.hex[:4]}{row.token}" for row in self.companions)]
