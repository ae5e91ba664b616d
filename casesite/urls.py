"""Every address of the site. Packages bring their own."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("casesite.lookups.urls")),
    path("admin/", admin.site.urls),
]
