"""A form field for text that is kept as it was typed."""

from typing import Any

from django import forms

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
