"""The web process: gunicorn casesite.wsgi."""

import os

from django.core.wsgi import get_wsgi_application

from casesite.garbage import look_seldom

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")
application = get_wsgi_application()
look_seldom()
