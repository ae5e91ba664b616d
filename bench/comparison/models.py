"""The one table of the bare POST."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    """What somebody posted."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    subject = models.CharField(max_length=250)
    body = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.subject
