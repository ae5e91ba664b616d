"""Until when a case is held back, typed in the person's own time zone."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from casesite.submissions.waiting import check_hold


class HoldForm(forms.Form):
    until = forms.DateTimeField(
        label=_("Hold back until"),
        error_messages={
            "required": _("Say until when."),
            "invalid": _("Give a day and a time."),
        },
    )

    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"]
        check_hold(until)
        return until
