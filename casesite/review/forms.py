"""What reviewers and leads give with their decisions."""

import re
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite.submissions.fields import COMMENTABLE

REASON_LIMIT = 2000
_ON = gettext_lazy("Comment on “{field}”")


class ReasonField(forms.CharField):
    """A few words to the others. Browsers send CRLF; we keep LF."""

    def __init__(self, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "class": "form-control"})
        options = {"label": gettext_lazy("Reason"), **options}
        super().__init__(max_length=REASON_LIMIT, widget=widget, **options)

    def to_python(self, value: Any) -> str | None:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class DecisionForm(forms.Form):
    """Approve, return, reject; or say that one has looked at what went out before review.

    Beside the reason each field of the case may get a comment, which the author reads at that field.
    """

    DECISIONS = ("approve", "return", "reject", "looked")

    decision = forms.ChoiceField(choices=[(name, name) for name in DECISIONS])
    payload_sha256 = forms.CharField(max_length=64)
    reason = ReasonField(required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field, name in COMMENTABLE.items():
            self.fields[comment_on(field)] = ReasonField(label=format_lazy(_ON, field=name), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        stops = given.get("decision") in ("return", "reject")
        commented = [name for field in COMMENTABLE if given.get(name := comment_on(field))]
        if stops and not commented and "reason" not in self.errors and not given.get("reason"):
            self.add_error("reason", _("Say why: the author reads it and works with it."))
        if given.get("decision") == "approve" and commented:
            text = _("The author would not read this comment: return it to them, or take the comment out.")
            self.add_error(commented[0], text)
        return given

    @property
    def comments(self) -> dict[str, str]:
        """What was said about single fields, by their names."""
        return {field: text for field in COMMENTABLE if (text := self.cleaned_data[comment_on(field)])}

    @property
    def written(self) -> list[tuple[Any, str]]:
        """Everything that somebody wrote, with what it was about: for a page that has no place for it any more."""
        said = [(COMMENTABLE[field], text) for field, text in self.comments.items()]
        reason = self.cleaned_data.get("reason")
        return [*said, (self.fields["reason"].label, reason)] if reason else said


def comment_on(field: str) -> str:
    """The name of the box for comments on a field."""
    return f"comment-{field}"


class CareForm(forms.Form):
    """One of a lead's ways out, with its reason."""

    reason = ReasonField(error_messages={"required": gettext_lazy("Say why: the others read it.")})


class CaseIdForm(forms.Form):
    """An id of AWS's: the case id of its API, or the display id that people see in the console."""

    aws_id = forms.CharField(
        label=gettext_lazy("AWS case id or display id"),
        max_length=500,  # as long as Connect's may be
        error_messages={"required": gettext_lazy("Enter the id of a case at AWS.")},
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_aws_id(self) -> str:
        given: str = self.cleaned_data["aws_id"].strip()
        if not given.startswith("case-") and not given.isdecimal():
            raise forms.ValidationError(
                _("A case id begins with “case-”; a display id is a number, such as 170123456700123.")
            )
        return given

    @property
    def params(self) -> dict[str, str]:
        """What the worker is asked."""
        given = self.cleaned_data["aws_id"]
        return {"case_id": given} if given.startswith("case-") else {"display_id": given}


class ConnectCaseIdForm(CaseIdForm):
    """The id of a case in Amazon Connect, as its workspace shows it in the address."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["aws_id"].label = _("Case id in Amazon Connect")

    def clean_aws_id(self) -> str:
        given: str = self.cleaned_data["aws_id"].strip()
        if not re.fullmatch(r"[A-Za-z0-9\-._/:#=+]+", given):
            raise forms.ValidationError(
                _("A case id has letters, digits and hyphens only, such as 64bda9ae-a684-4eb2-88e3-414ef40cea17.")
            )
        return given

    @property
    def params(self) -> dict[str, str]:
        return {"case_id": self.cleaned_data["aws_id"]}
