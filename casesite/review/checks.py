"""What was looked at before anybody decides: choices, limits, files, secrets, the account; of Connect the template."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite import clock
from casesite.cases import file_secrets
from casesite.cases.limits import limits_of
from casesite.cases.models import CaseEvent
from casesite.catalog.models import SupportCatalog
from casesite.screening.places import Place
from casesite.submissions.fields import NAMES
from casesite.submissions.models import Submission
from casesite.submissions.payloads import BODY_LIMIT, CC_LIMIT
from casesite.teams.models import AwsAccount, CheckResult

from .connect import ConnectRequest
from .parameters import Parameter, said_by

SECRETS_NAMED = 10
CATALOG_OLD = timedelta(days=2)  # it is read daily


@dataclass(frozen=True)
class Check:
    """One thing looked at: ok, warn, bad, or nothing where it was not. `at` is when, where that matters."""

    tone: str
    text: Any
    at: datetime | None = None


def checks_of(
    submission: Submission, parameters: list[Parameter], catalog: SupportCatalog | None, odd: int
) -> list[Check]:
    """Of what opens a Support case."""
    checks = [*_check_choices(submission, parameters, catalog), _check_limits(submission)]
    if submission.files:
        checks.append(_check_files(submission))
    places = [place for parameter in parameters for place in parameter.places]
    return [*checks, *_check_odd(odd), *_check_secrets(submission, places), _check_account(submission.account)]


def connect_checks_of(submission: Submission, request: ConnectRequest, odd: int) -> list[Check]:
    """Of what opens a Connect case. AWS has no dry run of that: its values are held against the template instead."""
    checks = [*_check_template(request), *_check_odd(odd), *_check_secrets(submission, request.places)]
    return [*checks, _check_for_connect(submission.account)]


def companion_checks_of(submission: Submission) -> list[Check]:
    """Of what was decided together with its case: what is in it was looked at there."""
    return [_check_for_connect(submission.account)]


def _check_template(request: ConnectRequest) -> Iterator[Check]:
    drift, newest = request.drift, request.template.newest
    if drift and drift.problems:
        yield Check("bad", _("The template has changed since, and AWS would not take it so. Seen"), drift.seen_at)
    elif drift:
        yield Check("warn", _("The template has changed since; the values still fit it, seen"), drift.seen_at)
    elif newest:
        yield Check("ok", _("The values fit the template as Amazon Connect has it now, seen"), newest.seen_at)
    if newest and newest.seen_at <= clock.now() - CATALOG_OLD:
        yield Check("warn", _("The template was not read lately, so it may have changed; last"), newest.seen_at)
    if request.dropped:
        text = ngettext("%(n)d answer is not sent", "%(n)d answers are not sent", len(request.dropped))
        yield Check("warn", text % {"n": len(request.dropped)})


def _check_odd(odd: int) -> Iterator[Check]:
    if odd:
        text = ngettext("%(count)d character shows nothing", "%(count)d characters show nothing", odd)
        yield Check("warn", text % {"count": odd})


def _check_secrets(submission: Submission, found: Iterable[Place]) -> list[Check]:
    """What seems to be a secret, and who said that it is sent all the same."""
    asked = [file_secrets.Bytes(file["sha256"], file["size"], file["name"]) for file in submission.files]
    searches = file_secrets.searches_of(asked)
    places = list(dict.fromkeys(found))
    places += file_secrets.places_in(searches)
    unsearched = [
        file.name for file in asked if file not in searches or searches[file].outcome != file_secrets.Outcome.SEARCHED
    ]
    if not places:
        return [Check("ok", _("No keys or passwords were found in the text")), *_check_unsearched(unsearched)]
    checks = [Check("bad", place.message) for place in places[:SECRETS_NAMED]]
    if (more := len(places) - SECRETS_NAMED) > 0:
        checks.append(Check("bad", ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more}))
    ticked = CaseEvent.objects.filter(
        case=submission.case_id, what="confirmed_secrets", submission_id=submission.pk
    ).select_related("by")
    if event := ticked.first():
        checks.append(Check("warn", _("%(who)s ticked that it is sent all the same") % {"who": event.by}, event.at))
    else:
        checks.append(Check("warn", _("Nobody ticked that it is sent all the same")))
    return checks + _check_unsearched(unsearched)


def _check_unsearched(names: list[str]) -> list[Check]:
    """Files that nobody searched: too large, or no text."""
    if not names:
        return []
    shown = ", ".join(names[:SECRETS_NAMED])
    return [Check("", _("Not searched for secrets, being no text or over 1 MB: %(names)s") % {"names": shown})]


def _check_choices(
    submission: Submission, parameters: list[Parameter], catalog: SupportCatalog | None
) -> Iterator[Check]:
    """Against the snapshot that the form was built from, and against the newest one where that is another."""
    newest = submission.account.support_catalogs.newest()
    if catalog is None:
        yield Check("warn", _("There was no catalogue to check the choices against"))
    elif not all(parameter.said for parameter in parameters if parameter.is_code):
        yield Check("warn", _("A choice is not in AWS's catalogue"))
    elif newest and newest.content_sha256 != catalog.content_sha256:
        gone = gone_from(submission.payload, newest)
        if gone:
            text = _("AWS's catalogue has changed since and no longer has: %(gone)s. Seen")
            yield Check("bad", text % {"gone": ", ".join(map(str, gone))}, newest.seen_at)
        else:
            yield Check(
                "warn", _("AWS's catalogue has changed since; it still has these choices, seen"), newest.seen_at
            )
    else:
        yield Check("ok", _("The choices fit AWS's catalogue, seen"), catalog.seen_at)
    if newest and newest.seen_at <= clock.now() - CATALOG_OLD:
        yield Check("warn", _("What AWS offers was not read lately, so it may have changed; last"), newest.seen_at)


def gone_from(payload: dict[str, Any], catalog: SupportCatalog) -> list[Any]:
    """The names of the choices that a catalogue does not have."""
    said = said_by(payload, catalog.snapshot)
    names = {aws_name: name for aws_name, _field, name in NAMES}
    return [names[key] for key in ("serviceCode", "categoryCode", "severityCode") if key in payload and key not in said]


def _check_limits(submission: Submission) -> Check:
    length = len(submission.payload["communicationBody"])
    copies = len(submission.payload.get("ccEmailAddresses", ()))
    if length > BODY_LIMIT or copies > CC_LIMIT:
        return Check("bad", _("It is longer than AWS takes, or has too many copies"))
    return Check("ok", _("Length and number of copies are within AWS's limits"))


def _check_files(submission: Submission) -> Check:
    limits = limits_of(submission.account)
    if not limits.fit([file["size"] for file in submission.files]):
        return Check("bad", _("The account does not take these files. %(limits)s") % {"limits": limits.words})
    count = len(submission.files)
    text = ngettext(
        "%(count)d file, within the account's limits", "%(count)d files, within the account's limits", count
    )
    return Check("ok", text % {"count": count})


def _check_for_connect(account: AwsAccount) -> Check:
    """What the account's check found stops Support's cases; those of Connect go out all the same where AWS lets them."""
    if account.active and account.check_result == CheckResult.BLOCKED:
        return Check(
            "warn", _("The account's check found: %(why)s") % {"why": account.check_summary}, account.checked_at
        )
    return _check_account(account)


def _check_account(account: AwsAccount) -> Check:
    result = account.check_result
    if not account.active or result == CheckResult.BLOCKED:
        return Check("bad", _("The account can't send. %(why)s") % {"why": account.check_summary})
    if result == CheckResult.NONE:
        return Check("", _("The account was not checked yet"))
    return Check(
        "warn" if result == CheckResult.LIMITED else "ok", _("The account can send, checked"), account.checked_at
    )
