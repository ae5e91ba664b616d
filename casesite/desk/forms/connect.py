"""A form made from a template of Amazon Connect Cases, as its rules have it for what is filled in now.

What a value may be says `catalog.values`, what shows and is required says `catalog.rules`; here the two meet the page.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cached_property
from typing import Any

from django import forms
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite.catalog.filling import Filling
from casesite.catalog.rule_words import because, in_words, name_of, value_in_words
from casesite.catalog.rules import Evaluation, FieldState, outcome
from casesite.catalog.template import (
    CUSTOMER,
    Comparison,
    Field,
    FieldType,
    Operator,
    OptionsRule,
    Rule,
    RuleKind,
    Template,
)

from ..people import People, Search, names_user, token
from . import field_builders

# Types whose control keeps what is being typed: only what stands around it is put in place anew.
_TYPED = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.DATE_TIME, FieldType.URL, FieldType.USER})


@dataclass(frozen=True, slots=True)
class Row:
    """One field on the page."""

    number: int  # its place in the form; names its parts, as a field's id may hold anything
    field: Field
    bound: forms.BoundField
    state: FieldState
    why: str  # why it is required, hidden or has these options; nothing where the template itself says so
    search: Search | None = None  # where its value is found by a search
    chosen: str = ""  # the name of the customer or user that it holds
    picked: bool = False  # just now

    @property
    def known(self) -> str:
        """What a page sends back to tell which state of the field it shows."""
        said = repr((self.state.required, self.state.options, self.chosen))
        shown = "hidden" if self.state.hidden else "shown"
        return f"{self.field.id}={shown}-{salted_hmac('casesite.desk.connect', said).hexdigest()[:8]}"

    @property
    def keeps_control(self) -> bool:
        """Whether what the rules change leaves the control itself as it is."""
        return self.field.type in _TYPED and not self.state.hidden

    @property
    def control(self) -> SafeString:
        """The control, tied to its hint, its reason and its errors."""
        told = [f"help-{self.number}"] if self.field.description else []
        told += [f"why-{self.number}"]
        told += [f"error_{n}_{self.bound.auto_id}" for n, _error in enumerate(self.bound.errors, 1)]
        radios = self.field.type == FieldType.BOOLEAN
        select = self.field.type == FieldType.SINGLE_SELECT
        attrs: dict[str, str | bool] = {
            "aria-describedby": " ".join(told),
            "class": "form-select" if select else "form-control",
        }
        if radios:
            attrs = {"class": "form-check-input"}
        elif self.bound.errors:
            attrs |= {"aria-invalid": "true"}
        if self.state.required and not radios:
            attrs |= {"aria-required": "true"}
        if self.picked:
            attrs |= {"autofocus": True}  # the button that was pressed is gone
        return self.bound.as_widget(attrs=attrs)

    @property
    def held(self) -> str:
        """What a hidden field holds: it stays on the page, so that it is there when the field shows again."""
        return str(self.bound.value() or "")


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    rows: list[Row]
    forgotten: bool


class ConnectForm(forms.Form):
    """One filling of a template. With `submitting` all that is required must be there; else only what is there must fit."""

    def __init__(
        self,
        template: Template,
        *,
        zone: tzinfo,
        data: Mapping[str, Any] | None = None,
        typed: Mapping[str, str] | None = None,
        customer_always: bool = False,
        title_room: int = 0,
        submitting: bool = False,
        people: People | None = None,
    ) -> None:
        initial = {field_builders.name_of(id_): value for id_, value in (typed or {}).items()}
        if people and data is not None:
            data = people.applied_to(data)
        super().__init__(data=data, initial=initial, label_suffix="")
        self.people = people
        self.template = template
        self.submitting = submitting
        self.filling = Filling(template, self._texts(), zone, customer_always, title_room)
        self.field_ids = self.filling.field_ids
        for id_ in self.field_ids:
            self.fields[field_builders.name_of(id_)] = field_builders.build(template.by_id[id_])

    def _texts(self) -> dict[str, str]:
        """The text of each field as it stands on the page, hidden ones too."""
        source: Mapping[str, Any] = self.data if self.is_bound else self.initial
        return {id_: str(source.get(field_builders.name_of(id_), "")) for id_ in self.template.by_id}

    # --- customers and users -----------------------------------------------------------------------------------------
    def names(self) -> dict[str, str]:
        """The names of the customers and users that the form holds, by ARN, as far as AWS told them."""
        if self.people is None:
            return {}
        held = (self.filling.typed.get(field.id, "").strip() for field in self._fields_of_people())
        return self.people.names_of(arn for arn in held if arn)

    def _fields_of_people(self) -> Iterator[Field]:
        return (field for field in self.template.fields if field.id == CUSTOMER or names_user(field))

    @property
    def name_tokens(self) -> list[str]:
        """The names as they travel with the form."""
        return [token(arn, name) for arn, name in self.names().items()]

    @property
    def searched(self) -> list[Row]:
        """The rows whose search somebody asks or waits for."""
        wanted = self.people.searched if self.people else ""
        return [row for row in self.rows if row.search and row.field.id == wanted and not row.state.hidden]

    # --- what is filled in -------------------------------------------------------------------------------------------
    @property
    def evaluation(self) -> Evaluation:
        return self.filling.evaluation

    def clean(self) -> None:
        """Errors of fields that show; what a hidden field holds is not sent, so it cannot be wrong."""
        _values, wrong = self.filling.parsed
        states = self.evaluation.states
        for id_, error in wrong.items():
            if not states[id_].hidden:
                self.add_error(field_builders.name_of(id_), error)
        for id_ in self.evaluation.unfit():
            self._complain(id_, self._no_longer_offered(id_))
        if self.submitting:
            for id_ in self.evaluation.missing():
                if id_ not in wrong:
                    self._complain(id_, self._missing(id_))

    def _complain(self, id_: str, text: str) -> None:
        """At the field, or above the form where the form does not ask for it."""
        name = field_builders.name_of(id_)
        self.add_error(name if name in self.fields else None, text)

    def _missing(self, id_: str) -> str:
        why = self.evaluation.states[id_].required_because
        if id_ not in self.field_ids:
            return _("The template requires %(field)s, which no form can ask for.") % {"field": self._name(id_)}
        if why is None:
            return _("Answer this: the template requires it.")
        return _("Answer this. It is required because %(why)s.") % {"why": because(self.template, why)}

    def _no_longer_offered(self, id_: str) -> str:
        state = self.evaluation.states[id_]
        known = {"value": value_in_words(self.template, id_, self.evaluation.values[id_])}
        parents = [one.rule.parent_id for one in state.options_because if hasattr(one.rule, "parent_id")]
        if not parents:
            return _("%(value)s can no longer be chosen.") % known
        known["parents"] = ", ".join(
            f"{self._name(parent)}: {value_in_words(self.template, parent, self.evaluation.values.get(parent))}"
            for parent in parents
        )
        return _("%(value)s does not go with %(parents)s. Choose again.") % known

    def _name(self, id_: str) -> str:
        return name_of(self.template, id_)

    # --- the page ------------------------------------------------------------------------------------------------------
    @cached_property
    def sections(self) -> list[Section]:
        """What the page shows, in order."""
        return [Section(s.name, [self._row(id_) for id_ in s.field_ids], s.forgotten) for s in self.filling.sections]

    @property
    def rows(self) -> Iterator[Row]:
        return (row for section in self.sections for row in section.rows)

    def changed(self, known: Collection[str]) -> list[Row]:
        """The rows that a page shows otherwise, by what it sent back of them."""
        return [row for row in self.rows if row.picked or row.known not in known]

    def announcement(self, known: Collection[str]) -> str:
        """What appeared or went, for those who do not see it."""
        before = dict(one.rpartition("=")[::2] for one in known)
        said = []
        for row in self.rows:
            was_hidden = before.get(row.field.id, "").startswith("hidden")
            if row.state.hidden and not was_hidden:
                said.append(_("%(field)s is hidden; what it holds is not sent.") % {"field": row.field.name})
            elif was_hidden and not row.state.hidden:
                said.append(_("%(field)s shows now.") % {"field": row.field.name})
            if row.picked:
                said.append(_("%(name)s is chosen.") % {"name": row.chosen})
        return " ".join(said)

    def _row(self, id_: str) -> Row:
        field, state = self.template.by_id[id_], self.evaluation.states[id_]
        name = field_builders.name_of(id_)
        bound = self[name]
        form_field = self.fields[name]
        if field.type == FieldType.SINGLE_SELECT:
            form_field.widget.choices = self._choices(field, state)  # type: ignore[attr-defined]
        if field.type == FieldType.BOOLEAN and state.required:
            form_field.widget.choices = form_field.widget.choices[1:]  # type: ignore[attr-defined]
        row = Row(self.field_ids.index(id_), field, bound, state, self._why(state))
        return replace(row, **self._of_people(field)) if self.people else row

    def _of_people(self, field: Field) -> dict[str, Any]:
        """What a row has more where it holds a customer or a user."""
        assert self.people is not None
        if field.id != CUSTOMER and not names_user(field):
            return {}
        return {
            "search": self.people.search(field) if self.people.finds(field) else None,
            "chosen": self.people.names.get(self.filling.typed.get(field.id, "").strip(), ""),
            "picked": bool(self.people.chosen) and self.people.picked == field.id,
        }

    def _choices(self, field: Field, state: FieldState) -> list[tuple[str, str]]:
        """The options that the rules leave, and a chosen one that they don't: it stays in sight until another is chosen."""
        names = {option.value: option.name for option in field.options}
        offered = [(value, names[value]) for value in state.options or ()]
        chosen = self.filling.typed[field.id]
        if chosen and chosen not in (state.options or ()):
            offered.append((chosen, _("%(name)s (cannot be chosen)") % {"name": names.get(chosen, chosen)}))
        return [("", _("Choose") if state.required else _("Not answered")), *offered]

    def _why(self, state: FieldState) -> str:
        if state.hidden:
            return _("Hidden because %(why)s.") % {"why": because(self.template, state.hidden_because)}
        said = []
        if state.required_because is not None:
            why = because(self.template, state.required_because)
            said.append(
                _("Required because %(why)s (rule “%(rule)s”).")
                % {"why": why, "rule": state.required_because.rule.name}
            )
        for one in state.options_because:
            known = {"why": because(self.template, one), "rule": one.rule.name}
            said.append(_("Fewer options, because %(why)s (rule “%(rule)s”).") % known)
        return " ".join(said)

    @property
    def rules(self) -> list[tuple[str, bool, str]]:
        """Each rule: its name, whether it does something now, and what it says in words."""
        return [self._said(rule) for rule in self.template.rules if not rule.deleted]

    def _said(self, rule: Rule) -> tuple[str, bool, str]:
        field = self._name(rule.field_id)
        known = self.evaluation.values
        if isinstance(rule, OptionsRule):
            left = len(rule.allowed(known.get(rule.parent_id)))
            parent = in_words(self.template, Comparison(rule.parent_id, Operator.EQUAL, known.get(rule.parent_id)))
            text = ngettext(
                "%(field)s has %(n)d option, because %(why)s", "%(field)s has %(n)d options, because %(why)s", left
            )
            return rule.name, True, text % {"field": field, "n": left, "why": parent}
        says, why = outcome(rule, known)
        words = {
            (RuleKind.REQUIRED, True): _("%(field)s is required, because %(why)s"),
            (RuleKind.REQUIRED, False): _("%(field)s is not required, because %(why)s"),
            (RuleKind.HIDDEN, True): _("%(field)s is hidden, because %(why)s"),
            (RuleKind.HIDDEN, False): _("%(field)s is not hidden, because %(why)s"),
        }
        return rule.name, says, words[rule.kind, says] % {"field": field, "why": because(self.template, why)}
