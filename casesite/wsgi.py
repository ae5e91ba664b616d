"""The web process: gunicorn casesite.wsgi."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")
application = get_wsgi_application()
