"""People, teams and accounts in the admin: superusers look after all of them, leads after those of their teams."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import PROTECT, Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from casesite import clock
from casesite.web.modeladmin import HouseAdmin
from casesite.web.templatetags.casesite import when

from .forms import AccountForm, MemberForm, MembersFormSet, NamedFormSet
from .members import follow_roles
from .models import AwsAccount, CannedText, Membership, Team
from .permissions import lead_team_ids
from .templatetags.teams import check_chip

User = get_user_model()


def is_used(row: Any) -> bool:
    """Whether something that must stay hangs on the row. Such a row is set aside, not deleted."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: row}).exists()
        for relation in row._meta.get_fields(include_hidden=True)
        if getattr(relation, "on_delete", None) is PROTECT and relation.auto_created
    )


class StaysWhileUsed(HouseAdmin):
    """Rows that cases belong to are not deleted, and the page says so."""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is not None and is_used(row):
            raise PermissionDenied(_("Cases belong to it, so it stays. Accounts and people can be set inactive."))
        return super().delete_view(request, object_id, extra_context)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and (obj is None or not is_used(obj))


class TrackedAdmin(StaysWhileUsed, SimpleHistoryAdmin):
    """With a page that says who changed what. Old versions are read there, never brought back by a button."""

    def get_urls(self) -> list[Any]:
        return super(SimpleHistoryAdmin, self).get_urls()

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        return _("History of %(name)s") % {"name": obj}

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_view_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_change_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LedAdmin(TrackedAdmin):
    """Rows that leads look after, each those of their own teams. `led` tells which."""

    def led(self, request: HttpRequest) -> QuerySet[Any]:
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(pk__in=self.led(request).values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if request.user.is_superuser:
            return True
        leads = bool(lead_team_ids(request.user))
        return leads and (obj is None or self.led(request).filter(pk=obj.pk).exists())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)


class Members(admin.TabularInline):
    """The people of a team. A lead names a person, and sees nobody outside the team."""

    model = Membership
    form = MemberForm
    formset = MembersFormSet
    fields = ("username", "role")
    extra = 1
    verbose_name = _("member")
    verbose_name_plural = _("members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _cares_for(request, obj)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


def _cares_for(request: HttpRequest, team: Team | None) -> bool:
    if request.user.is_superuser:
        return True
    led = lead_team_ids(request.user)
    return bool(led) if team is None else team.pk in led


@admin.register(Team)
class TeamAdmin(LedAdmin):
    list_display = ("name", "people", "aws_accounts")
    search_fields = ("name",)
    fieldsets = ((_("Team"), {"fields": ("name",)}),)
    inlines = (Members,)

    def led(self, request: HttpRequest) -> QuerySet[Team]:
        return Team.objects.filter(pk__in=lead_team_ids(request.user))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        counts = {
            "people_count": Count("memberships", distinct=True),
            "accounts_count": Count("accounts", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    @admin.display(description=_("people"), ordering="people_count")
    def people(self, team: Team) -> int:
        return team.people_count  # type: ignore[attr-defined]

    @admin.display(description=_("AWS accounts"), ordering="accounts_count")
    def aws_accounts(self, team: Team) -> int:
        return team.accounts_count  # type: ignore[attr-defined]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        touched = (*formset.new_objects, *(row for row, _fields in formset.changed_objects), *formset.deleted_objects)
        follow_roles(*(membership.user for membership in touched))

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        people = list(User.objects.filter(memberships__team=obj))
        super().delete_model(request, obj)
        follow_roles(*people)


@admin.register(AwsAccount)
class AwsAccountAdmin(LedAdmin):
    form = AccountForm
    list_display = ("name", "number", "used_by", "check_state", "checked")
    list_filter = ("check_result", "active")
    search_fields = ("name", "account_id")
    search_help_text = _("Name, or digits of the account id")
    fieldsets = (
        (_("Account"), {"fields": ("name", "account_id", "teams", "active")}),
        (
            _("Access"),
            {
                "fields": ("role_arn", "external_id"),
                "description": _("How workers act in the account. Keys of AWS are never kept here."),
            },
        ),
        (
            _("Review and sending"),
            {"fields": ("review_policy", "second_approval", "review_minutes", "approval_hours", "unknown_policy")},
        ),
        (_("Pace"), {"fields": ("cases_per_hour", "reserved_urgent")}),
        (_("Support plan"), {"fields": ("first_response",)}),
        (_("Amazon Connect"), {"fields": ("connect_regions",)}),
    )

    def led(self, request: HttpRequest) -> QuerySet[AwsAccount]:
        return AwsAccount.objects.managed_by(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AwsAccount]:
        return super().get_queryset(request).prefetch_related("teams")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("account_id",) if obj else ()  # cases point at it; a mistyped one is deleted and added again

    @admin.display(description=_("account id"), ordering="account_id")
    def number(self, account: AwsAccount) -> SafeString:
        return format_html("<code>{}</code>", account.grouped_id)

    @admin.display(description=_("teams"))
    def used_by(self, account: AwsAccount) -> str:
        return ", ".join(team.name for team in account.teams.all())

    @admin.display(description=_("state"), ordering="check_result")
    def check_state(self, account: AwsAccount) -> SafeString:
        return check_chip(account)

    @admin.display(description=_("checked"), ordering="checked_at")
    def checked(self, account: AwsAccount) -> SafeString | str:
        return when(account.checked_at)

    def save_model(self, request: HttpRequest, obj: AwsAccount, form: Any, change: bool) -> None:
        if not change or set(form.changed_data) & set(AwsAccount.WEIGHTY):
            obj.settings_changed_at = clock.now()
        super().save_model(request, obj, form, change)


@admin.register(CannedText)
class CannedTextAdmin(LedAdmin):
    """Texts that members put into their cases. Leads write and delete those of their teams."""

    list_display = ("name", "of_team", "subject")
    search_fields = ("name", "subject")
    fieldsets = ((_("Text"), {"fields": ("team", "name", "subject", "body")}),)

    def led(self, request: HttpRequest) -> QuerySet[CannedText]:
        return CannedText.objects.filter(team__in=lead_team_ids(request.user))

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedText]:
        return super().get_queryset(request).select_related("team")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if not request.user.is_superuser:
            kwargs["queryset"] = Team.objects.filter(pk__in=lead_team_ids(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the signs that lead away from the page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    @admin.display(description=_("team"), ordering="team__name")
    def of_team(self, text: CannedText) -> str:
        return text.team.name


class TeamsOfPerson(admin.TabularInline):
    model = Membership
    formset = NamedFormSet
    fields = ("team", "role")
    extra = 0
    verbose_name = _("team")
    verbose_name_plural = _("teams and roles")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the signs that lead away from the page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


admin.site.unregister(Group)  # what people may do comes from their roles in teams
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(StaysWhileUsed, UserAdmin):
    """Sign-ins, for superusers. Who may open the admin follows from roles, so there is no box for it."""

    add_form = UserCreationForm
    add_form_template = None
    list_display = ("username", "full_name", "email", "is_active", "is_superuser", "seen")
    list_filter = ("is_active", "is_superuser", "memberships__role")
    filter_horizontal = ()
    fieldsets = (
        (_("Sign-in"), {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("Access"),
            {
                "fields": ("is_active", "is_superuser"),
                "description": _("Who has written cases is set inactive, not deleted."),
            },
        ),
    )
    add_fieldsets = ((_("Sign-in"), {"fields": ("username", "password1", "password2")}),)
    inlines = (TeamsOfPerson,)

    @admin.display(description=_("name"))
    def full_name(self, person: Any) -> str:
        return person.get_full_name()

    @admin.display(description=_("last sign-in"), ordering="last_login")
    def seen(self, person: Any) -> SafeString | str:
        return when(person.last_login)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        follow_roles(form.instance)
