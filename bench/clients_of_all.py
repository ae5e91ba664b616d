"""Beside a site: what clients for so many accounts add to one for the first; prints MiB and CPU seconds as JSON.

python -m bench.clients_of_all <accounts>
"""

import json
import os
import sys
import time
from typing import Any

import django

from bench.fill import FIRST_ACCOUNT
from bench.processes import rss
from casesite.garbage import look_seldom


def main(count: int) -> tuple[float, float]:
    from casesite.lookups.reading import target_of
    from casesite.teams.models import AwsAccount

    accounts = AwsAccount.objects.filter(account_id__gte=str(FIRST_ACCOUNT)).order_by("account_id")[:count]
    first, *others = [target_of(account) for account in accounts]
    if len(others) != count - 1:
        raise SystemExit(f"there are {len(others) + 1} accounts only")
    _use(first)
    memory, cpu = rss([os.getpid()]), time.process_time()
    for target in others:
        _use(target)
    return rss([os.getpid()]) - memory, time.process_time() - cpu


def _use(target: Any) -> None:
    from casesite.aws.clients import clients

    with clients.writer(target, clients.keys(target)) as client:
        client.describe_severity_levels(language="en")


if __name__ == "__main__":
    django.setup()
    look_seldom()  # as workers do
    print(json.dumps(main(int(sys.argv[1]))))
