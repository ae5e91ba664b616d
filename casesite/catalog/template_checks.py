"""Fillings of a template that were saved with what came of them, tried again with each new version."""

from typing import Any

from django.utils.translation import gettext as _

from casesite import clock

from .models import CaseTemplate, TemplateCheck
from .rule_words import name_of
from .rules import Evaluation, Evaluator
from .template import Template

# What is held against what was saved, and what people read of it.
PARTS = ("hidden", "required", "missing", "unfit")


def result_of(evaluation: Evaluation) -> dict[str, list[str]]:
    """What the rules made of a filling, by field ids."""
    states = evaluation.states
    return {
        "hidden": sorted(id_ for id_, state in states.items() if state.hidden),
        "required": sorted(id_ for id_, state in states.items() if state.required),
        "missing": sorted(evaluation.missing()),
        "unfit": sorted(evaluation.unfit()),
    }


def run(check: TemplateCheck, version: CaseTemplate) -> None:
    """Try a check with a version, and note since when it is broken. Call it in a write transaction."""
    found = result_of(Evaluator(version.snapshot).evaluate(check.values))
    broken = found != check.expected
    check.found = found
    check.broken_at = (check.broken_at or clock.now()) if broken else None
    check.save(update_fields=["found", "broken_at"])


def run_all(version: CaseTemplate) -> None:
    """Try all checks of the template with this version."""
    for check in version.template.checks.all():
        run(check, version)


def differences(check: TemplateCheck, template: Template) -> list[str]:
    """What came out otherwise than when the check was saved, in words."""
    words = {
        "hidden": (_("%s is hidden now"), _("%s shows now")),
        "required": (_("%s is required now"), _("%s is no longer required")),
        "missing": (_("%s is missing now"), _("%s is no longer missing")),
        "unfit": (_("the value of %s can no longer be chosen"), _("the value of %s can be chosen again")),
    }
    return [
        text % name_of(template, id_)
        for part in PARTS
        for text, ids in zip(words[part], _apart(check.expected[part], check.found.get(part, [])), strict=True)
        for id_ in ids
    ]


def _apart(before: list[Any], after: list[Any]) -> tuple[list[Any], list[Any]]:
    """What came and what went."""
    return [one for one in after if one not in before], [one for one in before if one not in after]
