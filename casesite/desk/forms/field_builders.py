"""From AWS's types of fields to form fields. A new type is one line here."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from casesite.catalog.template import Field, FieldType
from casesite.catalog.values import is_multiline

from .typed import TypedField

SEARCHABLE_FROM = 11  # options; fewer are read at a glance
PREFIX = "fields-"


def name_of(field_id: str) -> str:
    return PREFIX + field_id


def build(field: Field) -> forms.Field:
    """The form field of a Connect field. What is right about its value, `catalog.values` says."""
    return BUILDERS[field.type](field)


def _typed(field: Field, widget: forms.Widget) -> TypedField:
    return TypedField(label=field.name, help_text=field.description, required=False, strip=False, widget=widget)


def build_text(field: Field) -> forms.Field:
    if is_multiline(field):
        return _typed(field, forms.Textarea(attrs={"rows": 5}))
    return _typed(field, forms.TextInput(attrs={"autocomplete": "off"}))


def build_number(field: Field) -> forms.Field:
    return _typed(field, forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))


def build_yes_no(field: Field) -> forms.Field:
    """Three answers, because a required field must be answered and not ticked."""
    choices = [("", _("Not answered")), ("true", _("Yes")), ("false", _("No"))]
    return _typed(field, forms.RadioSelect(choices=choices))


def build_date_time(field: Field) -> forms.Field:
    return _typed(field, forms.TextInput(attrs={"type": "datetime-local"}))


def build_single_select(field: Field) -> forms.Field:
    attrs: dict[str, Any] = {}
    if len(field.active_values) >= SEARCHABLE_FROM:
        attrs = {"data-search": _("Search by name"), "data-none": _("None found")}
    return _typed(field, forms.Select(attrs=attrs))


def build_url(field: Field) -> forms.Field:
    return _typed(field, forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}))


def build_user(field: Field) -> forms.Field:
    return _typed(field, forms.TextInput(attrs={"autocomplete": "off"}))


BUILDERS: dict[FieldType, Callable[[Field], forms.Field]] = {
    FieldType.TEXT: build_text,
    FieldType.NUMBER: build_number,
    FieldType.BOOLEAN: build_yes_no,
    FieldType.DATE_TIME: build_date_time,
    FieldType.SINGLE_SELECT: build_single_select,
    FieldType.URL: build_url,
    FieldType.USER: build_user,
}
