"""A template filled in: what was typed, what its rules make of it, and the fields that go out. Pure.

What a page shows and what a request holds is read from here, so that the two cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError

from . import values
from .rules import Evaluation, Evaluator
from .template import Template, Value
from .template_form import AskedSection, asked_sections


@dataclass(frozen=True)
class Filling:
    """`typed` is the text of each field, by AWS's field id; points in time stand in `zone`."""

    template: Template
    typed: Mapping[str, str]
    zone: tzinfo
    customer_always: bool = False

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
        return found, wrong

    @cached_property
    def evaluation(self) -> Evaluation:
        """What the rules say of it. A value that cannot be read counts as not answered."""
        return Evaluator(self.template).evaluate(self.parsed[0])

    @property
    def request_fields(self) -> list[dict[str, Any]]:
        """The fields of CreateCase, in the form's order: only those that show and are answered."""
        known = self.evaluation.values
        return [
            {"id": id_, "value": values.as_union(self.template.by_id[id_], known[id_])}
            for id_ in self.field_ids
            if id_ in known
        ]
