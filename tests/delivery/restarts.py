"""A site on a PostgreSQL that is restarted while it sends: `python -m tests.delivery.restarts SANDBOX_URL POINT…`

Says each point when it is reached, and goes on when it gets a line. In the end it says what became of the submissions.
"""

import json
import os
import sys
from contextlib import suppress


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command
    from django.db import DatabaseError, connection

    from casesite import failpoints
    from casesite.delivery import work
    from casesite.submissions.states import State
    from tests.factories import a_submission

    settings.SANDBOX_URL, *points = sys.argv[1:]
    settings.GATE_RATE = 50
    settings.MIGRATION_MODULES = {
        app.label: None for app in apps.get_app_configs()
    }  # the tables as they are in the end
    call_command("migrate", run_syncdb=True, verbosity=0)

    def tell_and_wait() -> None:
        print(point, flush=True)
        sys.stdin.readline()

    told = []
    for point in points:
        submission = a_submission(State.QUEUED)
        with failpoints.armed(point, tell_and_wait), suppress(DatabaseError):
            while work.step(submission.account_id):
                pass
        connection.close_if_unusable_or_obsolete()  # as workers do between two bells
        while work.step(submission.account_id):
            pass
        submission.refresh_from_db()
        outcomes = list(submission.attempts.order_by("n").values_list("outcome", flat=True))
        told.append([point, submission.state, outcomes, submission.remote_id])
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
