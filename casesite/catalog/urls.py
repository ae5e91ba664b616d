from django.urls import path

from . import template_views, views

urlpatterns = [
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<int:pk>/", views.account, name="account"),
    path("accounts/<int:pk>/check/", views.check, name="account_check"),
    path("accounts/<int:pk>/refresh/", views.refresh, name="account_refresh"),
    path("accounts/<int:pk>/templates/", template_views.refresh, name="account_templates"),
    path("templates/<int:pk>/", template_views.template, name="template"),
]
