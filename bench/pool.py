"""The measure for throughput: the same cases sent by a plain pool of threads with boto3, and nothing around it.

python -m bench.pool <address of the simulator> <accounts> <cases for each>     prints the seconds
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

import boto3
from botocore.config import Config

from bench.fill import FIRST_ACCOUNT

THREADS = 16
CONFIG = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=THREADS)
REQUEST = {
    "subject": "Invoice shows two support charges",
    "serviceCode": "billing",
    "severityCode": "normal",
    "categoryCode": "other-billing-questions",
    "communicationBody": "The invoice of last month lists the support plan twice.\n" * 20,
    "language": "en",
    "issueType": "technical",
}


def client_of(session: boto3.Session, service: str, url: str, account_id: int, config: Config) -> Any:
    """A client with the simulator's own keys of an account."""
    return session.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=f"SANDBOXKEY{account_id}",
        aws_secret_access_key=f"sandbox-secret-{account_id}",
        config=config,
    )


def main(url: str, accounts: int, cases: int) -> float:
    session = boto3.Session()
    clients = [client_of(session, "support", url, FIRST_ACCOUNT + number, CONFIG) for number in range(accounts)]
    with ThreadPoolExecutor(THREADS) as threads:
        list(
            threads.map(lambda client: client.describe_severity_levels(language="en"), clients)
        )  # warm, as the site is
        began = time.monotonic()
        list(threads.map(lambda client: client.create_case(**REQUEST)["caseId"], clients * cases))
        return time.monotonic() - began


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
