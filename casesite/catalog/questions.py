"""What pages, the dispatcher and other packages ask about an account. Writes lookups, reads answers, knows nothing of AWS."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from casesite import clock
from casesite.lookups import questions
from casesite.lookups.models import Lookup, LookupState
from casesite.teams.models import AwsAccount, CheckResult

from .known import LANGUAGES
from .models import CasesDomain
from .schema import Choices

CHECK = "account_check"
CATALOG = "support_catalog"
TEMPLATES = "connect_templates"
LANGUAGES_OF = "support_languages"
OPTIONS_OF = "support_options"

CATALOG_AGE = timedelta(hours=24)
RECHECK_BLOCKED = timedelta(hours=1)
ASK_AGAIN = timedelta(minutes=15)  # after a question that led nowhere


def ask_check(account: AwsAccount, *, by: Any = None) -> Lookup:
    """Have a worker look whether the account can send. The result is written to the account."""
    return _ask_now(CHECK, account, by)


def ask_refresh(account: AwsAccount, *, by: Any = None) -> Lookup:
    """Have a worker fetch the account's Support catalogue."""
    return _ask_now(CATALOG, account, by)


def ask_templates(account: AwsAccount, *, by: Any = None) -> Lookup:
    """Have a worker fetch the account's Connect domains and templates."""
    return _ask_now(TEMPLATES, account, by)


def _ask_now(kind: str, account: AwsAccount, by: Any) -> Lookup:
    """A new question, or the open one; where no worker took that up in time, pages wait for it anew."""
    lookup = questions.ask(kind, account, by=by, max_age=questions.NOW)
    return questions.ask_again(lookup, by=by) if lookup.is_overdue else lookup


def ask_missing_catalog(account: AwsAccount, *, by: Any = None) -> Lookup:
    """For a form that has no catalogue to build on: the question to wait for, or the one that just failed."""
    return _ask_unless_failed_lately(CATALOG, account, {}, by)


def languages_for(
    account: AwsAccount, issue_type: str, service_code: str, category_code: str, *, by: Any = None
) -> tuple[Choices, Lookup | None]:
    """The case languages of a choice as (code, name), and the lookup to wait for while AWS has not told.

    Until the answer is there the list is the last one AWS gave for the same choice, or all that AWS documents.
    """
    params = {"issue_type": issue_type, "service_code": service_code, "category_code": category_code}
    answer, waiting = _answer_of(LANGUAGES_OF, account, params, by)
    known = [(code, name) for code, name in answer["languages"]] if answer else []
    return known or list(LANGUAGES), waiting


def options_for(
    account: AwsAccount, issue_type: str, service_code: str, category_code: str, language: str, *, by: Any = None
) -> tuple[dict[str, Any] | None, Lookup | None]:
    """How AWS handles such a case: `language_availability` and `channels`; None, and a lookup, while it has not told."""
    params = {
        "issue_type": issue_type,
        "service_code": service_code,
        "category_code": category_code,
        "language": language,
    }
    return _answer_of(OPTIONS_OF, account, params, by)


def _answer_of(
    kind: str, account: AwsAccount, params: dict[str, Any], by: Any
) -> tuple[dict[str, Any] | None, Lookup | None]:
    """The fresh answer; else the old one, and a question unless the account can't be asked."""
    if not all(params.values()):
        return None, None
    old = questions.newest_answer(kind, account, params)
    if old and old.expires_at and old.expires_at > clock.now():
        return old.answer, None
    waiting = _ask_unless_failed_lately(kind, account, params, by) if account.can_send else None
    return (old.answer if old else None), waiting


def _ask_unless_failed_lately(kind: str, account: AwsAccount, params: dict[str, Any], by: Any) -> Lookup:
    """A question, or the one that just failed: a form that shows it must not ask again by itself, a person may."""
    last = questions.newest(kind, account, params)
    if last and last.state == LookupState.FAILED and last.asked_at > clock.now() - ASK_AGAIN:
        return last
    return questions.ask(kind, account, params, by=by)


# --- what is due: the dispatcher asks once a minute ------------------------------------------------------------------------
def ask_for_due_refreshes() -> int:
    """Ask for checks, catalogues and templates that are due; how many were asked for.

    A check: never made, older than the account's settings, or an hour old and bad. A catalogue: not seen for a day,
    in an account that can send. Templates: not fetched for a day or since the account's settings changed, where it names
    Connect regions or has named some. What was asked in the last quarter of an hour is not asked again.
    """
    now = clock.now()
    return (
        _ask_each(CHECK, _due_checks(now))
        + _ask_each(CATALOG, _due_catalogs(now))
        + _ask_each(TEMPLATES, _due_templates(now))
    )


def _ask_each(kind: str, accounts: Iterable[AwsAccount]) -> int:
    return len([questions.ask(kind, account, max_age=questions.NOW) for account in accounts])


def _due_checks(now: datetime) -> Iterable[AwsAccount]:
    return _not_asked_lately(CHECK, now).filter(
        Q(checked_at=None)
        | Q(settings_changed_at__gt=F("checked_at"))
        | Q(check_result=CheckResult.BLOCKED, checked_at__lt=now - RECHECK_BLOCKED)
    )


def _due_catalogs(now: datetime) -> Iterable[AwsAccount]:
    return (
        _not_asked_lately(CATALOG, now)
        .filter(check_result__in=(CheckResult.GOOD, CheckResult.LIMITED))
        .annotate(seen_at=Max("support_catalogs__seen_at"))
        .filter(Q(seen_at=None) | Q(seen_at__lt=now - CATALOG_AGE))
    )


def _due_templates(now: datetime) -> Iterable[AwsAccount]:
    fetched = Lookup.objects.filter(kind=TEMPLATES, state=LookupState.ANSWERED, account=OuterRef("pk"))
    known = fetched.filter(answered_at__gt=now - CATALOG_AGE).filter(
        Q(answered_at__gt=OuterRef("settings_changed_at")) | Q(account__settings_changed_at=None)
    )
    kept = CasesDomain.objects.filter(account=OuterRef("pk"), gone_at=None)  # also once the last region is taken away
    return _not_asked_lately(TEMPLATES, now).filter(~Q(connect_regions="") | Exists(kept)).filter(~Exists(known))


def _not_asked_lately(kind: str, now: datetime) -> QuerySet[AwsAccount]:
    lately = Lookup.objects.filter(kind=kind, asked_at__gt=now - ASK_AGAIN).values("account")
    return AwsAccount.objects.filter(active=True).exclude(pk__in=lately)
