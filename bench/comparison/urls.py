"""The site's own addresses, and those of the comparison views."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("comparison/empty/", views.empty),
    path("comparison/plain/", views.plain),
    path("comparison/bare/", views.bare),
    path("", include("casesite.urls")),
]
