"""The Celery application. Messages are doorbells: they say which account has work and carry nothing else."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")

app = Celery("casesite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()
