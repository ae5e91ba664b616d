"""What a failed call to AWS means to people, and what they can do. For workers and commands: it knows AWS's errors."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from casesite.aws.errors import AwsError, Cause, NotSent, OutcomeUnknown, Refused
from casesite.pacing.gate import GateClosed

IAM_PREFIXES = {
    "connectcases": "cases",
    "customer-profiles": "profile",
}  # of services whose policies name them otherwise


class Words(NamedTuple):
    """What it is, and what to do about it."""

    text: str
    todo: str

    def __str__(self) -> str:
        return f"{self.text} {self.todo}".strip()


def explain(exc: AwsError | GateClosed) -> Words:
    """Plain words for an error. AWS's own text is quoted where it helps."""
    if isinstance(exc, GateClosed):
        return _paused(exc)
    if isinstance(exc, OutcomeUnknown):
        return Words(_("AWS did not answer in order: %(said)s") % {"said": quoted(exc)}, _("Try again in a minute."))
    if is_without_plan(exc):
        return Words(
            _("The account has no Support plan with access to the Support API."),
            _("Subscribe it to Business Support+, Enterprise Support or Unified Operations, then check again."),
        )
    if isinstance(exc, NotSent) and exc.cause == Cause.CREDENTIALS:
        return _without_credentials(exc)
    if isinstance(exc, Refused) and exc.code.startswith("AccessDenied"):
        return Words(
            _("The role may not do this at AWS: %(said)s") % {"said": quoted(exc)},
            _("Allow %(action)s in the role's policy.") % {"action": action_of(exc)},
        )
    return _by_cause(exc)


def is_without_plan(exc: AwsError) -> bool:
    return exc.code.startswith("SubscriptionRequired")


def action_of(exc: AwsError) -> str:
    """The operation as an IAM policy names it."""
    service, _dot, operation = exc.operation.partition(".")
    return f"{IAM_PREFIXES.get(service, service)}:{operation}"


def quoted(exc: AwsError) -> str:
    """AWS's text, or the code where it sent none, short enough to stand in a sentence."""
    said = " ".join((exc.text or exc.code or exc.error_class).split())
    if len(said) > 220:
        said = said[:219] + "…"
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def is_passing(exc: Exception) -> bool:
    """Whether the same question may well be answered a little later."""
    if isinstance(exc, GateClosed):
        return exc.closed.because in ("rate", "throttled")
    if isinstance(exc, OutcomeUnknown):
        return True
    if isinstance(exc, NotSent | Refused) and exc.http_status is not None and exc.http_status >= 500:
        return True  # a service that hands out credentials is down
    return isinstance(exc, NotSent | Refused) and exc.cause in (Cause.CONNECTION, Cause.THROTTLED)


def _paused(exc: GateClosed) -> Words:
    if exc.closed.because in ("rate", "throttled"):
        return Words(_("AWS is asked as fast as it allows just now."), _("Try again in a minute."))
    return Words(
        _("Calls for this account are paused, because the last ones failed."),
        _("Its page shows why; a check that goes well ends the pause."),
    )


def _without_credentials(exc: NotSent) -> Words:
    if exc.operation == "sts.AssumeRole":
        return Words(
            _("The role can't be assumed: %(said)s") % {"said": quoted(exc)},
            _("Check the role's ARN, its trust policy and the external id."),
        )
    if exc.operation == "sts.GetCallerIdentity" and not exc.code:
        return Words(quoted(exc), _("Check the account id and the role's ARN."))
    return Words(
        _("The site has no working AWS credentials: %(said)s") % {"said": quoted(exc)},
        _("An operator has to give the workers credentials."),
    )


def _by_cause(exc: AwsError) -> Words:
    cause = exc.cause if isinstance(exc, NotSent | Refused) else None
    if cause == Cause.CONNECTION:
        return Words(
            _("AWS could not be reached."),
            _("Try again in a minute; if it stays so, an operator has to look at the network or the proxy."),
        )
    if cause == Cause.CERTIFICATE:
        return Words(
            _("The certificate of AWS's address is not trusted here."),
            _("An operator has to look at the proxy or the list of trusted certificates."),
        )
    if cause == Cause.THROTTLED:
        return Words(_("AWS asked us to slow down."), _("Try again in a minute."))
    if cause == Cause.QUOTA:
        return Words(
            _("AWS takes no more cases from this account this hour, so it did not look at this one."),
            _("Try again in a while."),
        )
    if cause == Cause.CLOCK:
        return Words(
            _("AWS finds the time of our requests wrong: %(said)s") % {"said": quoted(exc)},
            _("An operator has to set this machine's clock."),
        )
    if cause in (Cause.ACCESS, Cause.EXPIRED):
        return Words(
            _("AWS does not let us in: %(said)s") % {"said": quoted(exc)},
            _("Check the account's role; an operator has to look at the workers' credentials."),
        )
    return Words(_("AWS did not accept the question: %(said)s") % {"said": quoted(exc)}, "")
