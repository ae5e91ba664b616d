"""A lane is one API of one account: Support, or Connect Cases in a region. Each has its gate and its calls in flight."""

from casesite.pacing import gate
from casesite.submissions.models import Submission

CONNECT = "connectcases"
# Calls of one lane at a time: a slow account holds few threads, never all.
IN_FLIGHT = {"support": 2, CONNECT: 4}


def api_in(region: str) -> gate.Api:
    """The API that a row's region says: Support has none."""
    return gate.Api(CONNECT, region) if region else gate.SUPPORT


def api_of(row: Submission) -> gate.Api:
    return api_in(row.region)


def most_in_flight(region: str) -> int:
    return IN_FLIGHT[api_in(region).family]
