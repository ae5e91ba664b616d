"""The administration that a new project has, and one page."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path


def page(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("It works.")


urlpatterns = [path("admin/", admin.site.urls), path("", page)]
