"""The site's settings, as tests need them: no manifest of static files, quick passwords, an own var folder."""

import atexit
import os
import shutil
import tempfile

_var = tempfile.mkdtemp(prefix="casesite-tests-")
atexit.register(shutil.rmtree, _var, ignore_errors=True)
os.environ["CASESITE_VAR"] = _var
os.environ["CASESITE_SECRET_KEY"] = "tests-only-tests-only-tests-only-tests-only-tests-only-x9"
for name in (
    "REDIS_URL",
    "CASESITE_AWS",
    "CASESITE_SANDBOX_URL",
    "CASESITE_URL",
    "CASESITE_MAIL_URL",
    "PORT",
    "CASESITE_TIME_SCALE",
    "CASESITE_SCAN_COMMAND",
):
    os.environ.pop(name, None)

from casesite.settings import *  # noqa: E402, F403

STORAGES = {  # without collectstatic there is no manifest
    "default": STORAGES["default"],  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DRY_RUNS = False  # a fault that strikes once is meant for the real call; tests of dry runs switch them on
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in the site: threads on SQLite's shared memory database lock each other out in ways a file does not.
    DATABASES["default"]["TEST"] = {"NAME": VAR / "tests.sqlite3"}  # noqa: F405
# Static files come straight from their folders, also for tests with a live server: nobody has collected them.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
