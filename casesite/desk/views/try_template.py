"""Trying a Connect template: its form with nothing sent, what its rules say, and the request that would go out."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from casesite import clock
from casesite.aws.requests import ConnectCaseRequest
from casesite.catalog import template_checks
from casesite.catalog.models import CaseTemplate, ConnectTemplate, TemplateCheck
from casesite.catalog.tags import parse_tags
from casesite.catalog.values import as_typed
from casesite.database import write
from casesite.desk.forms.connect import ConnectForm
from casesite.desk.people import People
from casesite.teams.models import AwsAccount

CHECK, UPDATE, SAVE = "check", "update", "save"
NAME_LENGTH = 100
MOST_CHECKS = 100  # of one template


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def try_template(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a template, or of one of its older versions; whatever is pressed, nothing goes to AWS."""
    template = _template(request, pk)
    version = _version(request, template)
    action = request.POST.get("action", "")
    form = _form(request, template, version, submitting=action == CHECK)
    if request.method != "POST":
        return _page(request, template, version, form)
    if action == SAVE:
        return _saved(request, template, version, form)
    if request.headers.get("HX-Request"):
        known = request.POST.getlist("known")
        context = _context(request, template, version, form)
        context |= {"rows": form.changed(known), "announcement": form.announcement(known), "known": known}
        return render(request, "desk/connect/_update.html", context)
    checked = action == CHECK and form.is_valid()
    return _page(request, template, version, form, checked=checked)


@login_required
@require_POST
def remove_check(request: HttpRequest, pk: int, check: int) -> HttpResponse:
    """Forget a saved filling. For leads of the account's teams."""
    template = _template(request, pk)
    _check_may_save(request, template)
    found = get_object_or_404(template.checks, pk=check)
    found.delete()
    messages.success(request, _("The check “%(name)s” is removed.") % {"name": found.name})
    return redirect("template", pk)


def _template(request: HttpRequest, pk: int) -> ConnectTemplate:
    rows = ConnectTemplate.objects.visible_to(request.user).select_related("domain__account", "newest")
    return get_object_or_404(rows.exclude(newest=None), pk=pk)


def _version(request: HttpRequest, template: ConnectTemplate) -> CaseTemplate:
    """The version asked for, else the newest."""
    asked = request.GET.get("version", "")
    if asked:
        rows = template.versions.filter(pk=asked) if asked.isdecimal() and len(asked) < 19 else template.versions.none()
        return get_object_or_404(rows)
    assert template.newest is not None
    return template.newest


def _form(request: HttpRequest, template: ConnectTemplate, version: CaseTemplate, *, submitting: bool) -> ConnectForm:
    zone = timezone.get_current_timezone()
    typed: dict[str, str] = {}
    if request.method != "POST" and (check := _asked_check(request, template)):
        fields = version.snapshot.by_id
        typed = {id_: as_typed(fields[id_], value, zone) for id_, value in check.values.items() if id_ in fields}
    return ConnectForm(
        version.snapshot,
        zone=zone,
        data=request.POST if request.method == "POST" else None,
        typed=typed,
        customer_always=template.customer_always,
        submitting=submitting,
        people=People(request, template),
    )


def _asked_check(request: HttpRequest, template: ConnectTemplate) -> TemplateCheck | None:
    asked = request.GET.get("check", "")
    return template.checks.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None


def _page(
    request: HttpRequest,
    template: ConnectTemplate,
    version: CaseTemplate,
    form: ConnectForm,
    *,
    checked: bool = False,
    problem: str = "",
) -> HttpResponse:
    context = _context(request, template, version, form) | {"checked": checked, "problem": problem}
    return render(request, "desk/connect/try.html", context)


def _context(
    request: HttpRequest, template: ConnectTemplate, version: CaseTemplate, form: ConnectForm
) -> dict[str, Any]:
    return {
        "template": template,
        "version": version,
        "is_newest": version.pk == template.newest_id,
        "form": form,
        "zone_name": timezone.get_current_timezone_name(),
        "request_text": _request_text(request, template, form),
        "may_save": _may_save(request, template),
        "name": request.POST.get("name", ""),
    }


def _request_text(request: HttpRequest, template: ConnectTemplate, form: ConnectForm) -> str:
    """AWS's parameters as they would go out for this filling."""
    asked = ConnectCaseRequest(
        domain_id=template.domain.domain_id,
        template_id=template.template_id,
        fields=tuple(form.filling.request_fields),
        performed_by=template.recorded_as(request.user.get_username()),
        tags=tuple(parse_tags(template.default_tags).items()),
    )
    return json.dumps(asked.as_params(), indent=2, ensure_ascii=False)


# --- saved checks ---------------------------------------------------------------------------------------------------------
def _may_save(request: HttpRequest, template: ConnectTemplate) -> bool:
    return AwsAccount.objects.managed_by(request.user).filter(pk=template.domain.account_id).exists()


def _check_may_save(request: HttpRequest, template: ConnectTemplate) -> None:
    if not _may_save(request, template):
        raise PermissionDenied(_("Only leads of a team that uses this account save checks of its templates."))


def _saved(request: HttpRequest, template: ConnectTemplate, version: CaseTemplate, form: ConnectForm) -> HttpResponse:
    """Keep the filling with what the rules make of it, under a name."""
    _check_may_save(request, template)
    name = " ".join(request.POST.get("name", "").split())
    if problem := _problem_with(name, template):
        return _page(request, template, version, form, problem=problem)
    evaluation = form.evaluation
    values = {id_: value for id_, value in form.filling.parsed[0].items() if value is not None}
    with write():
        check, _made = TemplateCheck.objects.update_or_create(
            template=template,
            name=name,
            defaults={
                "values": values,
                "expected": template_checks.result_of(evaluation),
                "saved_by_id": int(request.user.pk or 0),
                "saved_at": clock.now(),
            },
        )
        assert template.newest is not None
        template_checks.run(check, template.newest)
    text = _("Saved as “%(name)s”. It runs again whenever the template changes.") % {"name": name}
    messages.success(request, text)
    return redirect(f"{reverse('template_try', args=[template.pk])}?check={check.pk}")


def _problem_with(name: str, template: ConnectTemplate) -> str:
    if not name:
        return _("Give the check a name.")
    if len(name) > NAME_LENGTH:
        return _("A name has at most %(most)d characters.") % {"most": NAME_LENGTH}
    if template.checks.exclude(name=name).count() >= MOST_CHECKS:
        return _("This template has %(most)d checks; remove one first.") % {"most": MOST_CHECKS}
    return ""
