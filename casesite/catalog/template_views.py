"""Pages about Connect templates: what is wrong with them, what changed from version to version."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from casesite.teams.models import AwsAccount

from . import lint, questions, template_checks
from .models import CaseTemplate, ConnectTemplate
from .rule_words import name_of, rule_in_words
from .template import Template
from .template_changes import Change, changes
from .views import visible

VERSIONS = 20  # of the history, on one page


@dataclass(frozen=True, slots=True)
class Step:
    """A version in the history, with what it changed in the one before it."""

    version: CaseTemplate
    changes: list[Change] | None  # None: the first one that was fetched


@login_required
@require_GET
def template(request: HttpRequest, pk: int) -> HttpResponse:
    """One template: its findings, its parts in words, its versions."""
    rows = ConnectTemplate.objects.visible_to(request.user).select_related("domain__account", "newest")
    found = get_object_or_404(rows.exclude(newest=None), pk=pk)
    assert found.newest is not None
    snapshot = found.newest.snapshot
    context: dict[str, Any] = {
        "template": found,
        "snapshot": snapshot,
        "findings": lint.from_stored(found.newest.findings),
        "sections": _sections(snapshot),
        "rules": [(rule, rule_in_words(snapshot, rule)) for rule in snapshot.rules if not rule.deleted],
        "steps": _steps(found),
        "checks": [(check, template_checks.differences(check, snapshot)) for check in found.checks.all()],
        "managed": AwsAccount.objects.managed_by(request.user).filter(pk=found.domain.account_id).exists(),
    }
    return render(request, "catalog/template.html", context)


@login_required
@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the account's templates fetched. For everybody who may use it."""
    questions.ask_templates(visible(request, pk), by=request.user)
    return redirect("account", pk)


def _sections(snapshot: Template) -> list[tuple[str, list[str]]]:
    """The layout's sections, each with the names of its fields."""
    return [
        (section.name, [name_of(snapshot, id_) for id_ in section.field_ids]) for section in snapshot.sections or ()
    ]


def _steps(found: ConnectTemplate) -> list[Step]:
    """The newest versions, each with its difference to the one before it."""
    versions = list(found.versions.order_by("-fetched_at", "-pk")[: VERSIONS + 1])
    steps = [Step(new, changes(old.snapshot, new.snapshot)) for new, old in pairwise(versions)]
    return steps if len(versions) > VERSIONS else [*steps, Step(versions[-1], None)]
