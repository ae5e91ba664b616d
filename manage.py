#!/usr/bin/env python
"""Run Casesite's management commands; `manage.py up` starts the whole site."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")
    if sys.argv[1:] == ["up"]:  # the supervisor stays small: it needs the settings, not the models
        from casesite.runner import up

        sys.exit(up.main())

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        sys.exit(f"manage.py: {exc}")


if __name__ == "__main__":
    main()
