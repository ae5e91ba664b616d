"""The demo site: three teams, four accounts, a handful of cases that show what the site is for. Data only.

Data lake has no Support plan, so nothing can be sent from it. Research lab sends urgent cases before review.
"""

from dataclasses import dataclass, field
from typing import Any

from casesite.teams.models import ReviewPolicy, Role

PAYMENTS, NETWORK, RESEARCH = "Payments", "Network", "Research"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone to sign in as. A time zone only where it is to differ from that of the browser."""

    name: str
    roles: dict[str, Role] = field(default_factory=dict)
    superuser: bool = False
    time_zone: str = ""

    @property
    def role(self) -> str:
        """The highest one, for the list of sign-ins."""
        if self.superuser:
            return "superuser"
        return max(self.roles.values(), key=list(Role).index).value


PEOPLE = (
    Person(name="agent", roles={PAYMENTS: Role.AGENT, NETWORK: Role.AGENT}),
    Person(name="agent2", roles={NETWORK: Role.AGENT, RESEARCH: Role.AGENT}, time_zone="America/New_York"),
    Person(name="reviewer", roles=dict.fromkeys((PAYMENTS, NETWORK, RESEARCH), Role.REVIEWER)),
    Person(name="reviewer2", roles=dict.fromkeys((PAYMENTS, NETWORK, RESEARCH), Role.REVIEWER), time_zone="Asia/Tokyo"),
    Person(name="lead", roles=dict.fromkeys((PAYMENTS, NETWORK, RESEARCH), Role.LEAD)),
    Person(name="admin", superuser=True),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account here and at the simulator."""

    account_id: str
    name: str
    team: str
    external_id: str
    plan: str = "business_plus"
    review_policy: ReviewPolicy = ReviewPolicy.ALWAYS
    connect_regions: str = ""

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:role/CaseOpener"


PAYMENTS_PROD = Account(
    account_id="111111111111",
    name="Payments prod",
    team=PAYMENTS,
    external_id="casesite-payments-prod",
    connect_regions="us-east-1, eu-central-1",
)
CORE_NETWORK = Account(
    account_id="222222222222",
    name="Core network",
    team=NETWORK,
    external_id="casesite-core-network",
    connect_regions="us-east-1",
)
DATA_LAKE = Account(
    account_id="333333333333", name="Data lake", team=PAYMENTS, external_id="casesite-data-lake", plan="basic"
)
RESEARCH_LAB = Account(
    account_id="444444444444",
    name="Research lab",
    team=RESEARCH,
    external_id="casesite-research",
    plan="business",
    review_policy=ReviewPolicy.AFTER_URGENT,
)
ACCOUNTS = (PAYMENTS_PROD, CORE_NETWORK, DATA_LAKE, RESEARCH_LAB)


@dataclass(frozen=True, kw_only=True)
class Story:
    """A case: who wrote it how many minutes ago, and what a reviewer made of it."""

    author: str
    account: Account
    minutes_ago: int
    submitted: bool = True
    reviewer: str = ""
    reason: str = ""  # it was returned for this; without one the reviewer approved
    values: dict[str, Any]


STORIES = (
    Story(
        author="agent",
        account=CORE_NETWORK,
        minutes_ago=40,
        submitted=False,
        values={
            "service_code": "amazon-route53",
            "severity_code": "normal",
            "subject": "Route 53 health checks flap",
            "communication_body": "Health checks of api.example.com fail from two regions for a minute at a time.\n",
        },
    ),
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=12,
        reviewer="reviewer",
        reason="Which cluster? AWS will ask.",
        values={
            "service_code": "ec2-container-service",
            "severity_code": "high",
            "subject": "ECS service stuck at 0 of 6 tasks in eu-west-1",
            "communication_body": (
                "Since 09:10 UTC the service checkout does not start any task. Events say that it was unable to place "
                "a task.\n\nNothing was deployed since yesterday. Payments by card fail for all customers in Europe."
            ),
        },
    ),
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=20,
        values={
            "service_code": "amazon-simple-storage-service",
            "severity_code": "normal",
            "subject": "S3 batch job fails with 503 SlowDown",
            "communication_body": (
                "The job that copies settlement files in eu-west-1 ends with 503 SlowDown after about 40,000 of "
                "2 million objects, at about 3,000 requests a second on one prefix.\n\nTwo nights in a row; retries with "
                "backoff did not help. How should the prefixes be laid out?"
            ),
            "cc_email_addresses": "settlement@example.com",
        },
    ),
    Story(
        author="agent2",
        account=CORE_NETWORK,
        minutes_ago=8,
        reviewer="reviewer",
        values={
            "service_code": "amazon-virtual-private-cloud",
            "severity_code": "high",
            "subject": "NAT gateway drops packets above 40 Gbit/s",
            "communication_body": (
                "The NAT gateway of the shared egress VPC in eu-central-1 shows PacketsDropCount above zero whenever "
                "traffic passes 40 Gbit/s, since 07:50 UTC.\n\nAffected: downloads of all teams behind it. Tried: a "
                "second gateway in the same zone; the drops went down by half."
            ),
        },
    ),
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=5,
        reviewer="reviewer2",
        values={
            "issue_type": "customer-service",
            "service_code": "billing",
            "severity_code": "low",
            "subject": "Invoice shows two support charges",
            "communication_body": (
                "The invoice of last month lists the support plan twice for this account. Please tell us which of the "
                "two is right, and correct the other."
            ),
        },
    ),
    Story(
        author="agent2",
        account=RESEARCH_LAB,
        minutes_ago=3,
        values={
            "service_code": "amazon-relational-database-service-postgresql",
            "severity_code": "urgent",
            "subject": "RDS failover took 11 minutes",
            "communication_body": (
                "The failover of the instance trials-1 in us-east-1 took 11 minutes, from 10:02 to 10:13 UTC. Expected: "
                "one to two.\n\nWrites failed for the whole time. What held it up, and how do we keep it from happening "
                "again?"
            ),
        },
    ),
)
