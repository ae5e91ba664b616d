"""What goes out, held against another version of its template than the one its form was built from. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from .rule_words import name_of, value_in_words
from .rules import Evaluator
from .template import CUSTOMER, Template, Value


@dataclass(frozen=True)
class Refit:
    """What would no longer work: fields by their AWS ids."""

    template: Template
    values: Mapping[str, Value]
    closed: bool  # the template takes no cases
    gone: tuple[str, ...]  # fields that were deleted
    hidden: tuple[str, ...]  # fields that its rules now hide: their values would vanish
    missing: tuple[str, ...]  # fields that are required now
    unfit: tuple[str, ...]  # fields whose option can't be chosen any more
    before: Template | None = None  # the version the form was built from: it names what is gone

    @property
    def fits(self) -> bool:
        return not (self.closed or self.gone or self.hidden or self.missing or self.unfit)

    @property
    def sentences(self) -> list[str]:
        """Each problem in words."""
        said = [_("The template no longer takes cases.")] if self.closed else []
        said += [
            _("The template no longer has the field “%(field)s”.") % {"field": self._name(id_)} for id_ in self.gone
        ]
        said += [_("The template now hides “%(field)s”.") % {"field": self._name(id_)} for id_ in self.hidden]
        said += [_("The template now requires “%(field)s”.") % {"field": self._name(id_)} for id_ in self.missing]
        said += [
            _("“%(field)s” can no longer be %(value)s.")
            % {"field": self._name(id_), "value": value_in_words(self.template, id_, self.values[id_])}
            for id_ in self.unfit
        ]
        return said

    def _name(self, id_: str) -> str:
        template = self.before if self.before and id_ not in self.template.by_id else self.template
        return name_of(template, id_)


def refit(
    template: Template,
    fields: Iterable[Mapping[str, Any]],
    *,
    customer_always: bool = False,
    open_now: bool = True,
    before: Template | None = None,
) -> Refit:
    """Hold fields as a request has them, id and union, against a version of the template."""
    values: dict[str, Value] = {field["id"]: next(iter(field["value"].values())) for field in fields}
    gone = tuple(id_ for id_ in values if id_ not in template.live)
    if customer_always and CUSTOMER in template.live:
        template = replace(template, required=tuple(dict.fromkeys((*template.required, CUSTOMER))))
    evaluation = Evaluator(template).evaluate({id_: value for id_, value in values.items() if id_ not in gone})
    return Refit(
        template=template,
        values=values,
        closed=not (template.active and open_now),
        gone=gone,
        hidden=tuple(id_ for id_ in values if id_ not in gone and evaluation.states[id_].hidden),
        missing=tuple(evaluation.missing()),
        unfit=tuple(evaluation.unfit()),
        before=before,
    )
