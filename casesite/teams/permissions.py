"""Who may do what in a team. Read once per request and person; every rule about roles stands here."""

from typing import Any

from casesite import prepared

from .models import REVIEWING_ROLES, Membership, Role


def roles_of(user: Any) -> dict[int, Role]:
    """The person's role by team, read once for each user object."""
    return {team: role for team, (role, _name) in _teams_of(user).items()}


def team_names(user: Any) -> dict[int, str]:
    """The person's teams by name, read along with the roles."""
    return {team: name for team, (_role, name) in sorted(_teams_of(user).items(), key=lambda each: each[1][1])}


def _teams_of(user: Any) -> dict[int, tuple[Role, str]]:
    if not user.is_authenticated:
        return {}
    if not hasattr(user, "_casesite_teams"):
        user._casesite_teams = {team: (Role(role), name) for team, role, name in _memberships(user=user.pk)}
    return user._casesite_teams


# Every page asks: compiled once, it costs a fifth.
_memberships = prepared.Rows(
    lambda user: Membership.objects.filter(user=user).order_by().values_list("team_id", "role", "team__name"), user=int
)


def team_ids(user: Any) -> list[int]:
    return list(roles_of(user))


def reviewing_team_ids(user: Any) -> list[int]:
    """Teams whose cases this person may decide on. Being a superuser gives none."""
    return [team for team, role in roles_of(user).items() if role in REVIEWING_ROLES]


def lead_team_ids(user: Any) -> list[int]:
    return [team for team, role in roles_of(user).items() if role == Role.LEAD]


def is_member(user: Any, team_id: int) -> bool:
    return team_id in roles_of(user)


def reviews(user: Any, team_id: int) -> bool:
    return roles_of(user).get(team_id) in REVIEWING_ROLES


def leads(user: Any, team_id: int) -> bool:
    return roles_of(user).get(team_id) == Role.LEAD
