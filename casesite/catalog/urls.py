from django.urls import path

from . import views

urlpatterns = [
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<int:pk>/", views.account, name="account"),
    path("accounts/<int:pk>/check/", views.check, name="account_check"),
    path("accounts/<int:pk>/refresh/", views.refresh, name="account_refresh"),
]
