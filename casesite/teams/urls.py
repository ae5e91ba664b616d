from django.urls import path

from . import views

urlpatterns = [
    path("accounts/settings/", views.settings, name="settings"),
]
