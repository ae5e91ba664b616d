"""The demo site: three teams, four accounts, and cases at every point of their way. Data only.

Who signs in as `agent` finds something to do at the top of the desk: a case came back with a question. Data lake has no
Support plan, so nothing can be sent from it. Core network opens three cases an hour, so that one has to wait. Research lab
sends urgent cases before review.
"""

from dataclasses import dataclass, field
from enum import Enum
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
    cases_per_hour: int = 10
    reserved_urgent: int = 3

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
    cases_per_hour=3,
    reserved_urgent=1,
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
class Text:
    """What a team writes often."""

    team: str
    name: str
    subject: str
    body: str


TEXTS = (
    Text(
        team=PAYMENTS,
        name="Database failover",
        subject="{service} failed over in {account_name}",
        body=(
            "On {today} the instance ... in ... failed over at ... UTC; writes failed for ... minutes.\n\n"
            "What started it, and was the time it took to be expected?\n"
        ),
    ),
)


class Then(Enum):
    """What became of a case once it was written."""

    KEPT = "still a draft"
    SUBMITTED = "waits for review, or goes out where the account needs none"
    RETURNED = "came back with a reason"
    RESUBMITTED = "came back, was changed, and waits for review again"
    REJECTED = "was turned down with a reason"
    WITHDRAWN = "its author took it back"
    CANCELLED = "was approved, then stopped before it went out"
    APPROVED = "left to the worker"
    ANSWERED = "open, and AWS has answered"
    RESOLVED = "open, then resolved by AWS"
    REFUSED = "AWS said no"
    CHECKED = "AWS's answer was lost: the site looks whether the case was opened"
    TAKEN_OVER = "the same, but a lead did not want to wait for that"


@dataclass(frozen=True, kw_only=True)
class Story:
    """A case: who wrote it how many minutes ago, who decided on it, and what became of it."""

    author: str
    account: Account
    minutes_ago: int
    then: Then = Then.SUBMITTED
    reviewer: str = "reviewer"
    words: str = ""  # the reviewer's, the lead's or AWS's
    before: dict[str, Any] = field(default_factory=dict)  # what the first revision said in place of `values`
    values: dict[str, Any]


STORIES = (
    # --- Payments: what the agent finds on the desk ----------------------------------------------------------------
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=34,
        then=Then.RETURNED,
        words="Which cluster? AWS will ask.",
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
        then=Then.RESUBMITTED,
        words="How many requests a second, and since when? Say what you tried.",
        before={
            "communication_body": (
                "The job that copies settlement files in eu-west-1 ends with 503 SlowDown.\n\n"
                "How should the prefixes be laid out?"
            )
        },
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
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=300,
        then=Then.ANSWERED,
        reviewer="reviewer2",
        words=(
            "Thank you for contacting us. One of the two lines belongs to the month before; we have asked Billing to move "
            "it. Could you tell us the number of the invoice?"
        ),
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
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=46,
        then=Then.REFUSED,
        words="The category is not valid for this service.",
        values={
            "service_code": "aws-lambda",
            "severity_code": "normal",
            "subject": "Lambda function times out only when it is cold",
            "communication_body": (
                "The function card-tokens in eu-west-1 times out after 3 s at about 1 in 200 calls since Monday, always "
                "at a cold start.\n\nTried: 512 MB in place of 256 MB, no change. Impact: those payments are retried."
            ),
        },
    ),
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=55,
        then=Then.WITHDRAWN,
        values={
            "service_code": "amazon-dynamodb",
            "severity_code": "low",
            "subject": "Which DynamoDB table class for receipts",
            "communication_body": "Receipts in eu-west-1 are read about once a year. Which table class fits?\n",
        },
    ),
    Story(
        author="agent",
        account=PAYMENTS_PROD,
        minutes_ago=14,
        values={
            "service_code": "amazon-simple-queue-service",
            "severity_code": "low",
            "subject": "Does a FIFO queue keep its order after a redrive?",
            "communication_body": (
                "We plan to redrive the dead letters of refunds.fifo in eu-west-1 to their source.\n\n"
                "Does the order within a message group hold? Nobody is affected yet; we have read the developer guide."
            ),
        },
    ),
    # --- Network -----------------------------------------------------------------------------------------------------
    Story(
        author="agent2",
        account=CORE_NETWORK,
        minutes_ago=4,
        values={
            "service_code": "amazon-virtual-private-cloud",
            "severity_code": "urgent",
            "subject": "Both VPN tunnels to the Madrid warehouse are down",
            "communication_body": (
                "vpn-0a1b2c3d4e5f67890 in eu-south-2: both tunnels went down at 09:41 UTC with “no proposal chosen”.\n\n"
                "The warehouse can't print labels, 40 people wait. Tried: a restart of our gateway, the old settings."
            ),
        },
    ),
    Story(
        author="agent2",
        account=CORE_NETWORK,
        minutes_ago=18,
        then=Then.RESOLVED,
        words="The drops stopped at 08:40 UTC when capacity was added in eu-central-1. No action is needed on your side.",
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
        account=CORE_NETWORK,
        minutes_ago=9,
        then=Then.CHECKED,
        reviewer="reviewer2",
        values={
            "service_code": "aws-direct-connect",
            "severity_code": "high",
            "subject": "Direct Connect in Frankfurt flaps every ten minutes",
            "communication_body": (
                "BGP of the virtual interface to eu-central-1 goes down for about 20 s every ten minutes since 06:30 UTC.\n\n"
                "The second line in Dublin carries the traffic, at its limit. Tried: new optics on our side, no change."
            ),
        },
    ),
    Story(
        author="agent",
        account=CORE_NETWORK,
        minutes_ago=7,
        then=Then.APPROVED,
        values={
            "service_code": "amazon-cloudfront",
            "severity_code": "normal",
            "subject": "CloudFront serves an old certificate in two locations",
            "communication_body": (
                "shop.example.com shows the certificate that ended yesterday in Milan and Madrid, the new one elsewhere.\n\n"
                "Since 08:00 UTC; about 2 % of visitors see a warning. Tried: an invalidation of all paths."
            ),
        },
    ),
    Story(
        author="agent",
        account=CORE_NETWORK,
        minutes_ago=40,
        then=Then.KEPT,
        values={
            "service_code": "amazon-route53",
            "severity_code": "normal",
            "subject": "Route 53 health checks flap",
            "communication_body": "Health checks of api.example.com fail from two regions for a minute at a time.\n",
        },
    ),
    Story(
        author="agent2",
        account=CORE_NETWORK,
        minutes_ago=50,
        then=Then.REJECTED,
        words="We run this network ourselves since March: please ask in the network channel first.",
        values={
            "service_code": "amazon-virtual-private-cloud",
            "severity_code": "low",
            "subject": "Please add a route to 10.20.0.0/16",
            "communication_body": "Our VPC in eu-west-1 does not reach 10.20.0.0/16. Please add a route.\n",
        },
    ),
    Story(
        author="agent2",
        account=CORE_NETWORK,
        minutes_ago=28,
        then=Then.CANCELLED,
        values={
            "service_code": "elastic-load-balancing",
            "severity_code": "normal",
            "subject": "Load balancer closes idle connections early",
            "communication_body": (
                "The load balancer edge-2 in eu-central-1 closes idle connections after 50 s, although 120 s are set.\n\n"
                "Since yesterday's change of its listeners. Impact: reports that take a minute fail."
            ),
        },
    ),
    # --- Research ----------------------------------------------------------------------------------------------------
    Story(
        author="agent2",
        account=RESEARCH_LAB,
        minutes_ago=65,
        then=Then.TAKEN_OVER,
        words="The trial's deadline is tonight: I look in the console myself.",
        values={
            "service_code": "amazon-elastic-compute-cloud-linux",
            "severity_code": "high",
            "subject": "GPU instances stay in pending in us-east-1",
            "communication_body": (
                "Four p5 instances of the reservation for trial 7 stay in pending in us-east-1a since 05:00 UTC.\n\n"
                "The run has to end tonight. Tried: stop and start, another subnet in the same zone."
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
