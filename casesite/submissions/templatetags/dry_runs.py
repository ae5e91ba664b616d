"""AWS's answer to a dry run, for the pages that show it."""

from typing import Any

from django import template

from casesite.submissions.dry_runs import Result

register = template.Library()


@register.filter
def dry_run_result(answer: dict[str, Any]) -> Result:
    return Result.of(answer)
