"""A template filled in: what was typed, what its rules make of it, and the fields that go out. Pure.

What a page shows and what a request holds is read from here, so that the two cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from . import values
from .rules import Evaluation, Evaluator
from .template import CUSTOMER, TITLE, Template, Value
from .template_form import AskedSection, asked_sections


@dataclass(frozen=True)
class Filling:
    """`typed` is the text of each field, by AWS's field id; points in time stand in `zone`.

    `customer_always`: whatever the template says. `title_room`: characters at the title's end that are not the person's.
    """

    template: Template
    typed: Mapping[str, str]
    zone: tzinfo
    customer_always: bool = False
    title_room: int = 0

    @cached_property
    def sections(self) -> list[AskedSection]:
        return asked_sections(self.template, customer_always=self.customer_always)

    @cached_property
    def field_ids(self) -> list[str]:
        """The fields that are asked for, in the form's order."""
        return [id_ for section in self.sections for id_ in section.field_ids]

    @cached_property
    def parsed(self) -> tuple[dict[str, Value], dict[str, ValidationError]]:
        """The values that can be read, and what is wrong with the others."""
        found: dict[str, Value] = {}
        wrong: dict[str, ValidationError] = {}
        for id_ in self.field_ids:
            try:
                found[id_] = values.parse(self.template.by_id[id_], self.typed.get(id_, ""), self.zone)
            except ValidationError as exc:
                wrong[id_] = exc
        if (over := len(str(found.get(TITLE) or "")) + self.title_room - values.SINGLE_LINE) > 0 and self.title_room:
            most = values.SINGLE_LINE - self.title_room
            text = _("%(over)d characters too many: at most %(most)d go in here, as our reference follows them.")
            del found[TITLE]
            wrong[TITLE] = ValidationError(text % {"over": over, "most": most})
        return found, wrong

    @cached_property
    def evaluation(self) -> Evaluation:
        """What the rules say of it. A value that cannot be read counts as not answered."""
        template = self.template
        if self.customer_always and CUSTOMER in template.live and CUSTOMER not in template.required:
            template = replace(template, required=(*template.required, CUSTOMER))
        return Evaluator(template).evaluate(self.parsed[0])

    @property
    def problems(self) -> list[str]:
        """The fields that keep it from going out: not readable, required and missing, or a choice that is not offered."""
        states = self.evaluation.states
        unreadable = [id_ for id_ in self.parsed[1] if not states[id_].hidden]
        return list(dict.fromkeys([*unreadable, *self.evaluation.missing(), *self.evaluation.unfit()]))

    @property
    def dropped(self) -> list[dict[str, str]]:
        """What was typed and does not go out, because a rule hides its field or no form asks for it: `id` and `typed`."""
        known = self.evaluation.values
        return [
            {"id": id_, "typed": text}
            for id_, text in self.typed.items()
            if text.strip() and id_ in self.template.by_id and id_ not in known and id_ not in self.parsed[1]
        ]

    @property
    def request_fields(self) -> list[dict[str, Any]]:
        """The fields of CreateCase, in the form's order: only those that show and are answered."""
        known = self.evaluation.values
        return [
            {"id": id_, "value": values.as_union(self.template.by_id[id_], known[id_])}
            for id_ in self.field_ids
            if id_ in known
        ]
