"""Every address of the site. Packages bring their own."""

from django.contrib import admin
from django.urls import include, path

handler400 = "casesite.web.views.bad_request"
handler500 = "casesite.web.views.server_error"

urlpatterns = [
    path("", include("casesite.desk.urls")),  # first, for it answers the most
    path("", include("casesite.web.urls")),
    path("", include("casesite.teams.urls")),
    path("", include("casesite.lookups.urls")),
    path("", include("casesite.catalog.urls")),
    path("admin/", admin.site.urls),
]
