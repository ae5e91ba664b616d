from django.apps import AppConfig
from django.db import models


class NextVersionConfig(AppConfig):
    name = "tests.next_version"

    def ready(self) -> None:
        from casesite.submissions.models import Submission

        Submission.add_to_class("written_by_new", models.TextField(null=True))
