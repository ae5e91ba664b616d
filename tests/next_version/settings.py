"""The site's settings in that version."""

from casesite.settings import *  # noqa: F403
from casesite.settings import INSTALLED_APPS as _before

INSTALLED_APPS = [*_before, "tests.next_version.apps.NextVersionConfig"]
