"""The site's settings with the comparison views beside its own, so that one server answers both."""

from casesite.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench.comparison"]  # noqa: F405
ROOT_URLCONF = "bench.comparison.urls"
MIDDLEWARE = [
    "bench.comparison.sessions.ByAddress" if name.endswith("SessionMiddleware") else name
    for name in MIDDLEWARE  # noqa: F405
]
AUTHENTICATION_BACKENDS = [*AUTHENTICATION_BACKENDS, "django.contrib.auth.backends.ModelBackend"]  # noqa: F405
