"""Who is in a team. Roles are given and taken here, so that the staff flag (may open the admin) follows them."""

from typing import Any

from .models import REVIEWING_ROLES, Membership, Role, Team


def give_role(user: Any, team: Team, role: Role) -> tuple[Membership, bool]:
    """Make the person a member with that role; also says whether they are new to the team."""
    membership = Membership.objects.filter(user=user, team=team).first()
    new = membership is None
    if membership is None:
        membership = Membership.objects.create(user=user, team=team, role=role)
    elif membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
    follow_roles(user)
    return membership, new


def follow_roles(*users: Any) -> None:
    """Reviewers, leads and superusers open the admin, agents don't."""
    for user in users:
        staff = user.is_superuser or user.memberships.filter(role__in=REVIEWING_ROLES).exists()
        if user.is_staff != staff:
            user.is_staff = staff
            user.save(update_fields=["is_staff"])
