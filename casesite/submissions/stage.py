"""Case.stage, computed in one place, inside the transaction that moved a submission."""

from typing import Any

from django.apps import apps

from casesite import clock, prepared
from casesite.cases.models import Case, Stage

from .states import UNFINISHED, State

ENDED = ("resolved", "closed")  # as Support and Connect call it


def recompute(case_id: int) -> Stage:
    """Write and return the stage that the case's rows imply. Call it in the moving transaction."""
    return settle(Case.objects.select_for_update().get(pk=case_id))


def settle(case: Case, **fields: Any) -> Stage:
    """Write fields of a locked case, and the stage that they and the case's rows imply, in one statement."""
    for name, value in fields.items():
        setattr(case, name, value)
    stage = stage_of(case)
    if stage != case.stage:
        case.stage, case.changed_at = stage, clock.now()
        fields |= {"stage": stage, "changed_at": case.changed_at}
    if fields:
        prepared.update(case, *fields)
    return stage


def stage_of(case: Case) -> Stage:
    """The stage that the case and its submissions imply."""
    if case.aws_case_id:
        return Stage.RESOLVED if case.aws_status in ENDED else Stage.OPEN
    if _unfinished(case=case.pk):
        return Stage.OUTGOING
    newest = next((state for (state,) in _newest(case=case.pk)), None)
    if case.discarded_at or newest == State.REJECTED:
        return Stage.CLOSED
    return Stage.DRAFT


def _openings(case: int) -> Any:
    # By name: the model imports this module.
    return apps.get_model("submissions", "Submission").objects.opening().filter(case=case)


_unfinished = prepared.Rows(
    lambda case: _openings(case).filter(state__in=sorted(UNFINISHED)).values_list("pk")[:1], case=int
)
_newest = prepared.Rows(lambda case: _openings(case).filter(newest=True).values_list("state")[:1], case=int)
