"""Each way a call fails, in words that say what to do."""

import pytest

from casesite import clock
from casesite.aws.errors import Cause, NotSent, OutcomeUnknown, Refused
from casesite.lookups.words import explain, is_passing
from casesite.pacing.gate import Closed, GateClosed


def not_sent(cause, text="Nobody there", operation="support.DescribeServices", **more):
    return NotSent(text, cause=cause, operation=operation, **more)


def refused(cause, code, text="AWS's own words"):
    return Refused(text, cause=cause, again=True, operation="support.DescribeServices", code=code, http_status=400)


def unclear(text="Internal error"):
    return OutcomeUnknown(text, operation="support.DescribeServices", http_status=500)


def closed(because):
    return GateClosed(Closed(clock.now(), because))


@pytest.mark.parametrize(
    ("error", "text", "passing"),
    [
        (not_sent(Cause.CONNECTION), "AWS could not be reached.", True),
        (not_sent(Cause.CERTIFICATE), "The certificate of AWS's address is not trusted here.", False),
        (
            not_sent(Cause.CREDENTIALS, "Not you", "sts.AssumeRole", code="AccessDenied", http_status=403),
            "The role can't be assumed: Not you.",
            False,
        ),
        (
            not_sent(Cause.CREDENTIALS, "Busy", "sts.AssumeRole", code="ServiceUnavailable", http_status=503),
            "The role can't be assumed: Busy.",
            True,
        ),
        (
            not_sent(Cause.CREDENTIALS, "They belong to another account.", "sts.GetCallerIdentity"),
            "They belong to another account.",
            False,
        ),
        (
            not_sent(Cause.CREDENTIALS, "Bad token", "sts.GetCallerIdentity", code="InvalidClientTokenId"),
            "The site has no working AWS credentials: Bad token.",
            False,
        ),
        (
            refused(Cause.ACCESS, "SubscriptionRequiredException"),
            "The account has no Support plan with access to the Support API.",
            False,
        ),
        (
            refused(Cause.ACCESS, "AccessDeniedException"),
            "The role may not do this at AWS: AWS's own words.",
            False,
        ),
        (refused(Cause.ACCESS, "UnrecognizedClientException"), "AWS does not let us in: AWS's own words.", False),
        (refused(Cause.EXPIRED, "ExpiredTokenException"), "AWS does not let us in: AWS's own words.", False),
        (refused(Cause.THROTTLED, "ThrottlingException"), "AWS asked us to slow down.", True),
        (
            refused(Cause.CLOCK, "RequestExpired"),
            "AWS finds the time of our requests wrong: AWS's own words.",
            False,
        ),
        (
            refused(Cause.INVALID, "InvalidParameterValueException"),
            "AWS did not accept the question: AWS's own words.",
            False,
        ),
        (unclear(), "AWS did not answer in order: Internal error.", True),
        (closed("rate"), "AWS is asked as fast as it allows just now.", True),
        (closed("throttled"), "AWS is asked as fast as it allows just now.", True),
        (closed("access"), "Calls for this account are paused, because the last ones failed.", False),
        (closed("circuit"), "Calls for this account are paused, because the last ones failed.", False),
    ],
)
def test_error_has_words_and_may_or_may_not_pass(error, text, passing):
    words = explain(error)

    assert (words.text, is_passing(error)) == (text, passing)
    assert words.todo or error.cause == Cause.INVALID


def test_long_texts_of_aws_are_cut():
    assert len(str(explain(unclear("x" * 5000)))) < 500


def test_full_hour_is_no_word_on_the_case():
    exc = Refused(
        "limit", cause=Cause.QUOTA, again=True, operation="support.CreateCase", code="CaseCreationLimitExceeded"
    )

    assert str(explain(exc)).startswith("AWS takes no more cases from this account this hour")
    assert not is_passing(exc)
