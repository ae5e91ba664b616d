"""The application, as Celery's guide for Django has it."""

from pathlib import Path

from celery import Celery

app = Celery("bare_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(name="bare_project.answer")
def answer(file: str) -> None:
    """Show that a worker took it."""
    Path(file).touch()
