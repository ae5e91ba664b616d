"""A form as one writes it in an afternoon: the fields of a case, five services, no layout."""

from crispy_forms.helper import FormHelper
from django import forms

from casesite.catalog.known import LANGUAGES, IssueType
from casesite.teams.models import AwsAccount

SERVICES = [(f"service-{number}", f"Amazon Service {number}") for number in range(5)]
CATEGORIES = [("general-guidance", "General guidance"), ("other", "Other")]
SEVERITIES = [("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent"), ("critical", "Critical")]


class PlainForm(forms.Form):
    account = forms.ModelChoiceField(AwsAccount.objects.none(), label="Account")
    issue_type = forms.ChoiceField(choices=IssueType.choices, label="Kind")
    service_code = forms.ChoiceField(choices=SERVICES, label="Service")
    category_code = forms.ChoiceField(choices=CATEGORIES, label="Category")
    severity_code = forms.ChoiceField(
        choices=SEVERITIES, widget=forms.RadioSelect, label="Severity", help_text="It can't be changed."
    )
    subject = forms.CharField(max_length=250, label="Subject")
    communication_body = forms.CharField(widget=forms.Textarea, label="Description", help_text="What happens.")
    files = forms.FileField(required=False, label="Files")
    language = forms.ChoiceField(choices=LANGUAGES, label="Case language")
    cc_email_addresses = forms.CharField(required=False, label="Copy to", help_text="E-mail addresses.")

    def __init__(self, *args, user, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = AwsAccount.objects.usable_by(user)
        self.helper = FormHelper()
        self.helper.form_tag = False
