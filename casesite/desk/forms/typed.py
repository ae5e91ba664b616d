"""A form field for text that is kept as it was typed, and a form of such fields that costs little where nobody sees it."""

import copy
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from . import texts


class TypedField(forms.CharField):
    """Text as a person typed it, with LF as line end. Drafts may hold anything that can be stored.

    `limit` is what AWS takes, in code points; pages count towards it.
    """

    def __init__(self, *, limit: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """No maxlength: browsers count UTF-16 and cut a pasted text without a word."""
        return {}

    def to_python(self, value: Any) -> str:
        return super().to_python(texts.with_lf(value) if isinstance(value, str) else value) or ""

    def validate(self, value: str) -> None:
        super().validate(value)
        texts.check_storable(value)


class SharedFields(dict[str, forms.Field]):
    """Fields of a form's class, which forms read and nobody changes."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "SharedFields":
        return self


class TypedForm(forms.Form):
    """A form whose post is mostly kept and then shown to nobody.

    Django gives each form copies of its class's fields, so that it may change how they look: measured, twice what all
    their checks cost. Here they are copied when somebody asks for `fields`, and checked as they stand in the class.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.base_fields = SharedFields(self.base_fields)  # type: ignore[misc]
        super().__init__(*args, **kwargs)
        del self.fields

    @cached_property
    def fields(self) -> dict[str, forms.Field]:  # type: ignore[override]
        return self.own_fields()

    def own_fields(self) -> dict[str, forms.Field]:
        """Copies for this form, which it may change."""
        return {name: copy.deepcopy(field) for name, field in self.base_fields.items()}

    def _clean_fields(self) -> None:
        """As Django does, but for what only some fields need: a file's earlier value, and fields that are disabled."""
        for name, field in self.base_fields.items():
            try:
                value = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
                self.cleaned_data[name] = field.clean(value)
                if own_check := getattr(self, f"clean_{name}", None):
                    self.cleaned_data[name] = own_check()
            except ValidationError as error:
                self.add_error(name, error)
