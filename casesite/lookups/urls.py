from django.urls import path

from . import views

urlpatterns = [
    path("lookups/<int:pk>/", views.lookup, name="lookup"),
    path("lookups/<int:pk>/again/", views.again, name="lookup_again"),
]
