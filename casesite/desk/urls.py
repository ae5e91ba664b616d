from django.urls import path

from .views import cases, desk, support

urlpatterns = [
    path("", desk.desk, name="desk"),
    path("cases/", cases.cases, name="cases"),
    path("cases/new/support/", support.new, name="case_new_support"),
    path("cases/<str:reference>/", cases.case, name="case"),
    path("cases/<str:reference>/edit/", support.edit, name="case_edit"),
    path("cases/<str:reference>/state/", cases.case_state, name="case_state"),
]
