"""Who may do what with a case. `check_can_x` raises a sentence."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from casesite.teams.permissions import is_member

from .models import Case, Stage


def check_can_edit(user: Any, case: Case) -> None:
    """Write in a draft."""
    if case.author_id != user.pk or not is_member(user, case.team_id):
        raise PermissionDenied(_("Only its author can edit this case."))
    if case.stage != Stage.DRAFT:
        raise PermissionDenied(_("Only a draft can be edited."))
