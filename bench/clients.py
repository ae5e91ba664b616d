"""The measure for rate and fairness: the same cases, sent by a program as one writes it with boto3 and a pool of threads.

python -m bench.clients <address of the simulator> <legacy|standard|adaptive> <JSON: accounts with the number of cases for each, or with a
                        Connect domain and template>
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bench.pool import REQUEST, THREADS, client_of

MODES = ("legacy", "standard", "adaptive")


def main(url: str, mode: str, asked: dict[str, Any]) -> None:
    """Send all cases and end; one that fails for good is left, as such a program logs it and goes on."""
    session = boto3.Session()
    service = "connectcases" if asked["domains"] else "support"
    config = Config(proxies={}, retries={"mode": mode}, max_pool_connections=THREADS)
    clients = [(number, client_of(session, service, url, number, config)) for number in asked["accounts"]]
    todo = [(number, client, title) for title in range(asked["cases"]) for number, client in clients]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda each: _send(asked["domains"], *each), todo))


def _send(domains: dict[str, Any], number: int, client: Any, title: int) -> None:
    with suppress(BotoCoreError, ClientError):
        if not domains:
            client.create_case(**REQUEST | {"subject": f"Case {title}"})
            return
        domain, template = domains[str(number)]
        fields = [{"id": "title", "value": {"stringValue": f"Case {title}"}}]
        client.create_case(domainId=domain, templateId=template, fields=fields)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
