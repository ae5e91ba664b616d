"""The site's settings, as tests need them: no manifest of static files, quick passwords, an own var folder."""

import os
import tempfile

os.environ.setdefault("CASESITE_VAR", tempfile.mkdtemp(prefix="casesite-tests-"))
os.environ.setdefault("CASESITE_SECRET_KEY", "tests-only-tests-only-tests-only-tests-only-tests-only-x9")
for name in ("REDIS_URL", "CASESITE_AWS", "CASESITE_URL", "PORT", "CASESITE_TIME_SCALE"):
    os.environ.pop(name, None)

from casesite.settings import *  # noqa: E402, F403

STORAGES = {  # without collectstatic there is no manifest
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(VAR / "files")}},  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
