"""What leads settle for a Connect template here. Everything else about it is settled in Amazon Connect."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from casesite.teams.admin import LedAdmin
from casesite.teams.models import AwsAccount, Team
from casesite.teams.permissions import lead_team_ids

from .models import CasesDomain, ConnectTemplate


@admin.register(ConnectTemplate)
class ConnectTemplateAdmin(LedAdmin):
    list_display = ("name", "domain", "account", "active")
    list_filter = ("active",)
    search_fields = ("name",)
    search_help_text = _("Name of the template")
    list_select_related = ("domain__account",)
    readonly_fields = ("page",)
    fieldsets = (
        (_("Template"), {"fields": ("page",)}),
        (_("For agents"), {"fields": ("description_for_agents", "off_for")}),
        (_("Customer"), {"fields": ("customer_search", "customer_always")}),
        (_("What goes along with each case"), {"fields": ("default_tags", "performed_by")}),
    )

    def led(self, request: HttpRequest) -> QuerySet[ConnectTemplate]:
        return ConnectTemplate.objects.filter(domain__account__in=AwsAccount.objects.managed_by(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # templates are made in Amazon Connect

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "off_for" and not request.user.is_superuser:
            options["queryset"] = Team.objects.filter(pk__in=lead_team_ids(request.user))
        return super().formfield_for_manytomany(db_field, request, **options)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """What other teams' leads switched off stays off: this lead's form did not show it."""
        others = (
            [] if request.user.is_superuser else list(form.instance.off_for.exclude(pk__in=lead_team_ids(request.user)))
        )
        super().save_related(request, form, formsets, change)
        form.instance.off_for.add(*others)

    @admin.display(description=_("account"), ordering="domain__account__name")
    def account(self, template: ConnectTemplate) -> str:
        return str(template.domain.account)

    @admin.display(description=_("checks and versions"))
    def page(self, template: ConnectTemplate) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("template", args=[template.pk]), template.name)


@admin.register(CasesDomain)
class CasesDomainAdmin(LedAdmin):
    """What leads settle for a domain, and what belongs to it where AWS does not tell."""

    list_display = ("name", "region", "account")
    list_filter = ("region",)
    search_fields = ("name",)
    search_help_text = _("Name of the domain")
    list_select_related = ("account",)
    readonly_fields = ("arn", "found")
    fieldsets = (
        (_("Domain"), {"fields": ("arn",)}),
        (_("Customers and users"), {"fields": ("found", "profiles_domain", "instance_arn")}),
        (_("Cases"), {"fields": ("may_tag", "workspace_url")}),
    )

    def led(self, request: HttpRequest) -> QuerySet[CasesDomain]:
        return CasesDomain.objects.filter(account__in=AwsAccount.objects.managed_by(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # domains are made in Amazon Connect

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("found at AWS"))
    def found(self, domain: CasesDomain) -> str:
        told = [text for text in (domain.found_profiles_domain, domain.found_instance_arn) if text]
        return ", ".join(told) or gettext("Nothing. It is looked for each time the templates are fetched.")
