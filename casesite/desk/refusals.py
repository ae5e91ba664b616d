"""What was said about the last revision of a draft: by a reviewer who returned it, or by AWS, at the field it concerns."""

from collections.abc import Iterable
from typing import Any

from casesite.submissions.fields import field_of
from casesite.submissions.models import Submission, Verdict
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State

from .forms.support import SupportForm


def notices_of(newest: Submission, form: SupportForm) -> dict[str, Any]:
    """What stands above the form. A refusal that names a field is put beside it, as long as that still holds the same.

    A form that was posted has errors of its own; there AWS's words stand above.
    """
    said = said_of(newest)
    if decision := said.get("decision"):
        comments = {each.field: each for each in decision.comments.all()}
        _tie(form, comments)
        return said | {"comments": comments}
    name = "files" if newest.reason_code == Reason.FILE_REFUSED else field_of(newest.reason_text)
    if "refused" in said and name and not form.is_bound and _is_unchanged(newest, form, name):
        form.show_error(name, newest.reason_text)
        del said["refused_words"]
    return said


def said_of(newest: Submission) -> dict[str, Any]:
    """The same for a form whose fields AWS's words are not tied to: all of it stands above."""
    if newest.state == State.RETURNED:
        decision = next((each for each in reversed(newest.decisions.all()) if each.what == Verdict.RETURN), None)
        return {"returned": newest, "returned_by": decision.by if decision else None, "decision": decision}
    if newest.state != State.FAILED:
        return {}
    if newest.reason_code == Reason.GAVE_UP:
        return {"gave_up": newest}
    return {"refused": newest, "refused_words": newest.reason_text}


def _tie(form: SupportForm, comments: Iterable[str]) -> None:
    """Have fields read out with the comment that stands below them. Where there is an error, that is what counts."""
    for name in comments:
        if name in form.fields and name not in form.errors:
            help_id = f"{form[name].auto_id}_helptext " if form.fields[name].help_text else ""
            form.fields[name].widget.attrs["aria-describedby"] = f"{help_id}comment_{form[name].auto_id}"


def _is_unchanged(newest: Submission, form: SupportForm, name: str) -> bool:
    if name == "cc_email_addresses":
        return True  # as typed and as sent differ; it is said until the next submission
    if name == "files":
        held = sorted((file.name, file.sha256) for file in form.held)
        return held == sorted((file["name"], file["sha256"]) for file in newest.files)
    return bool(newest.content[name] == form.initial.get(name))
