"""The admin site in the house's look: the reviewer's desk, and the place where leads manage their team."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class CasesiteAdminConfig(AdminConfig):
    default_site = "casesite.review.site.CasesiteAdminSite"


class CasesiteAdminSite(AdminSite):
    site_header = "Casesite"
    site_title = "Casesite"
    index_title = _("Review and manage")
    enable_nav_sidebar = False
