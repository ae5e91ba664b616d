from django.urls import path, register_converter

from casesite.cases.models import REFERENCE_ALPHABET

from .views import autosave, cases, connect, desk, edit, files, queue, support, try_template


class ReferenceConverter:
    """CS-7GQ4-KM2X"""

    regex = rf"CS(?:-[{REFERENCE_ALPHABET}]{{4}}){{2}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ReferenceConverter, "reference")

urlpatterns = [
    path("", desk.desk, name="desk"),
    path("cases/", cases.cases, name="cases"),
    path("cases/new/support/", support.new, name="case_new_support"),
    path("cases/new/support/save/", autosave.new, name="case_new_support_save"),
    path("cases/new/connect/", connect.choose, name="case_choose_template"),
    path("cases/new/connect/<int:pk>/", connect.new, name="case_new_connect"),
    path("cases/new/connect/<int:pk>/save/", autosave.new_connect, name="case_new_connect_save"),
    path("cases/<reference:reference>/", cases.case, name="case"),
    path("cases/<reference:reference>/edit/", edit.edit, name="case_edit"),
    path("cases/<reference:reference>/save/", autosave.edit, name="case_save"),
    path("cases/<reference:reference>/state/", cases.case_state, name="case_state"),
    path("cases/<reference:reference>/files/<uuid:key>/", files.download, name="case_file"),
    path("templates/<int:pk>/try/", try_template.try_template, name="template_try"),
    path("templates/<int:pk>/checks/<int:check>/remove/", try_template.remove_check, name="template_check_remove"),
    path("cases/files/", files.new, name="case_file_new"),
    path("cases/files/<uuid:key>/scan/", files.scan, name="case_file_scan"),
    path("queue/", queue.queue, name="queue"),
    path("queue/state/", queue.queue_state, name="queue_state"),
    path("queue/<uuid:pk>/", queue.act, name="queue_act"),
]
