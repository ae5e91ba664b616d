"""What the Support form offers for what is chosen so far: accounts, services, categories, severities, languages.

Read from snapshots and answered lookups only; what is not known yet is asked, and the form shows that it waits.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from casesite import prepared
from casesite.cases.limits import Limits, limits_of
from casesite.cases.models import Case
from casesite.catalog import questions
from casesite.catalog.known import LANGUAGES
from casesite.catalog.models import SupportCatalog
from casesite.catalog.schema import SupportSnapshot
from casesite.database import any_of
from casesite.lookups.models import Lookup
from casesite.lookups.views import context_of
from casesite.submissions.queue import with_gates
from casesite.teams.models import AwsAccount, CannedText, Team
from casesite.teams.permissions import lead_team_ids, team_ids

Choices = list[tuple[str, Any]]  # as a Django select takes them; the second may be a group
LATELY = 5  # services somebody used are offered first
LATEST = 100  # cases of theirs that tell which
EMPTY = SupportSnapshot(services=(), severities=())


class Offer:
    """`values` are the form's raw values: what is posted, or what a draft holds."""

    def __init__(self, user: Any, values: Mapping[str, Any], case: Case | None = None) -> None:
        self.user = user
        self.case = case
        self.account_pk = str(values.get("account") or "")
        self.issue_type = str(values.get("issue_type") or "")
        self.service_code = str(values.get("service_code") or "")
        self.category_code = str(values.get("category_code") or "")
        self.severity_code = str(values.get("severity_code") or "")
        self.language = str(values.get("language") or "")

    @classmethod
    def first(cls, user: Any, values: Mapping[str, Any]) -> "Offer":
        """For a new case: in the account of the newest of the person's latest ones, else in the first by name."""
        offer = cls(user, values)
        usable = dict.fromkeys(account.pk for account in offer.accounts)
        used = (account for account, _service in offer._latest_cases if account in usable)
        offer.account_pk = str(next(used, None) or next(iter(usable), ""))
        return offer

    # --- where ---------------------------------------------------------------------------------------------------------
    @cached_property
    def accounts(self) -> list[AwsAccount]:
        """Those of the person's teams. A draft keeps the account it has, even where that is not in use any more."""
        found = _accounts_of(user=self.user.pk)
        own = self._kept_account
        return [*found, own] if own and own not in found else found

    @property
    def _kept_account(self) -> AwsAccount | None:
        """The draft's own, as long as a team of the person has it."""
        own = self.case.account if self.case else None
        return own if own and own.teams.filter(memberships__user=self.user).exists() else None

    @property
    def has_connect(self) -> bool:
        """Whether cases may be opened in Amazon Connect, too."""
        return any(account.connect_regions for account in self.accounts)

    @cached_property
    def account(self) -> AwsAccount | None:
        """The chosen one. Read alone where nobody asked for the list: who saves a draft sees none, and has maybe hundreds."""
        if "accounts" in vars(self):
            return next((account for account in self.accounts if str(account.pk) == self.account_pk), None)
        if self._links:
            return self._links[0].awsaccount
        own = self._kept_account if self.account_pk else None
        return own if own and str(own.pk) == self.account_pk else None

    @cached_property
    def _links(self) -> list[Any]:
        """What joins the chosen account to each of the person's teams that use it, in one query with both and its catalogue."""
        if not (self.account_pk.isascii() and self.account_pk.isdigit() and len(self.account_pk) < 19):
            return []
        return _links_of(user=self.user.pk, account=int(self.account_pk))

    @property
    def response_targets(self) -> dict[str, timedelta]:
        """AWS's first-response targets where the account's plan has others than the usual ones."""
        return self.account.response_targets if self.account else {}

    @property
    def file_limits(self) -> Limits:
        """How many files of which size go out from the chosen account."""
        return limits_of(self.account)

    @cached_property
    def teams(self) -> list[Team]:
        """The person's teams that use the chosen account; without an account all of the person's teams."""
        if self.account and vars(self).get("_links"):
            return [link.team for link in self._links]
        if self.account:
            return _teams_of(user=self.user.pk, account=self.account.pk)
        return list(Team.objects.filter(memberships__user=self.user).order_by("name"))

    @property
    def asks_for_team(self) -> bool:
        return len(self.teams) > 1

    # --- what AWS lists ------------------------------------------------------------------------------------------------
    @cached_property
    def catalog(self) -> SupportCatalog | None:
        """Without its content: that is read only where nobody has asked for the same one yet."""
        rows = _catalog_of(account=self.account.pk) if self.account else []
        return SupportCatalog.from_db(connection.alias, _ABOUT_CATALOG, rows[0]) if rows else None

    @property
    def catalog_pk(self) -> int | None:
        """Of the same; that is all that a draft keeps of it."""
        if self.account and vars(self).get("_links"):
            return self._links[0].catalog
        return self.catalog.pk if self.catalog else None

    @property
    def snapshot(self) -> SupportSnapshot:
        return self.catalog.snapshot if self.catalog else EMPTY

    @cached_property
    def catalog_wait(self) -> dict[str, Any] | None:
        """The question for an account of which no catalogue is known yet, as its fragment shows it."""
        if self.account is None or self.catalog or not self.account.can_send:
            return None
        return context_of(questions.ask_missing_catalog(self.account, by=self.user))

    @property
    def service_choices(self) -> Choices:
        """Services used lately first; then, for account and billing questions, those about them."""
        lately = self.services_used_lately
        services = self.snapshot.choices(self.issue_type)
        first = [choice for choice in services if choice[0] in lately]
        rest = [choice for choice in services if choice[0] not in lately]
        rest += self._kept(self.service_code, services)
        if not first:
            return rest
        return [(_("Used lately"), first), (_("All services"), rest)]

    @property
    def category_choices(self) -> Choices:
        """Those of the chosen service. A code of another service is not kept: the service was changed."""
        if self.catalog and self.snapshot.service(self.service_code):
            return list(self.snapshot.category_choices(self.service_code))
        return self._kept(self.category_code, [])

    @property
    def severity_choices(self) -> Choices:
        """Those of the account's plan."""
        choices = self.snapshot.severity_choices()
        return [*choices, *self._kept(self.severity_code, choices)]

    # --- who -----------------------------------------------------------------------------------------------------------
    @cached_property
    def _languages(self) -> tuple[Choices, Lookup | None]:
        if self.account is None or not self.category_code:
            return list(LANGUAGES), None
        if not self.snapshot.category(self.service_code, self.category_code):
            return list(LANGUAGES), None
        return questions.languages_for(
            self.account, self.issue_type, self.service_code, self.category_code, by=self.user
        )

    @property
    def languages(self) -> Choices:
        """What AWS offers for the service and category, or what is known of it yet."""
        return self._languages[0]

    @property
    def language_choices(self) -> Choices:
        return [*self.languages, *self._kept(self.language, self.languages, dict(LANGUAGES).get(self.language))]

    @property
    def language_wait(self) -> dict[str, Any] | None:
        """The question for the languages of a choice, where AWS has not told yet."""
        asked = self._languages[1]
        return context_of(asked) if asked else None

    # --- what is written often -----------------------------------------------------------------------------------------
    @property
    def canned_choices(self) -> tuple[tuple[int, str], ...]:
        """Texts of all teams of the person by key and name, with the team's where there are several."""
        texts = _text_names_for(user=self.user.pk)
        several = self.asks_for_team or len({team for _pk, _name, team, _of in texts}) > 1
        return tuple((pk, f"{name} ({of})" if several else name) for pk, name, _team, of in texts)

    @property
    def leads_a_team(self) -> bool:
        return bool(lead_team_ids(self.user))

    # --- shared --------------------------------------------------------------------------------------------------------
    @cached_property
    def services_used_lately(self) -> list[str]:
        return list(dict.fromkeys(code for _account, code in self._latest_cases if code))[:LATELY]

    @cached_property
    def _latest_cases(self) -> list[tuple[int | None, str | None]]:
        """Account and service of the person's latest cases in their teams, and of no others: who has thousands waits no longer."""
        teams = team_ids(self.user)
        if not teams:
            return []
        return _latest_in(len(teams))(user=self.user.pk, **dict(zip(_names(len(teams)), teams, strict=True)))

    def _kept(self, code: str, choices: Choices, name: str | None = None) -> Choices:
        """What a draft holds stays in sight when AWS does not offer it (any more); nothing is changed in silence."""
        if not code or code in dict(choices):
            return []
        if self.catalog is None:  # nobody knows what AWS offers
            return [(code, name or code)]
        return [(code, _("%(name)s (not offered)") % {"name": name or code})]


# --- asked for by every page and every click: see casesite/prepared.py -------------------------------------------------------
_accounts_of = prepared.Objects(
    lambda user: with_gates(AwsAccount.objects.usable_by(user)).order_by("name", "account_id"),
    user=int,
)
_newest_catalogs = SupportCatalog.objects.order_by("-seen_at", "-id")
_links_of = prepared.Objects(
    lambda user, account: (
        AwsAccount.teams.through.objects.filter(
            awsaccount=account, awsaccount__active=True, team__memberships__user=user
        )
        .annotate(catalog=Subquery(_newest_catalogs.filter(account=OuterRef("awsaccount")).values("pk")[:1]))
        .order_by("team__name")
    ),
    related=("awsaccount", "team"),
    user=int,
    account=int,
)
_teams_of = prepared.Objects(
    lambda user, account: Team.objects.filter(memberships__user=user, accounts=account).order_by("name"),
    user=int,
    account=int,
)
_ABOUT_CATALOG = [field.attname for field in SupportCatalog._meta.concrete_fields if field.name != "content"]
_catalog_of = prepared.Rows(
    lambda account: _newest_catalogs.filter(account=account).values_list(*_ABOUT_CATALOG)[:1],
    account=int,
)


def _names(teams: int) -> list[str]:
    return [f"team_{number}" for number in range(teams)]


@cache
def _latest_in(teams: int) -> prepared.Rows:
    """In so many teams: of each the latest are read along an index of its own, whatever the person wrote before."""

    def latest(user: int, **each: int) -> Any:
        cases = Case.objects.order_by("-pk")
        own = [cases.filter(author=user, team=team).values_list("pk")[:LATEST] for team in each.values()]
        return cases.filter(pk__in=any_of(own)).values_list("account_id", "support__service_code")[:LATEST]

    return prepared.Rows(latest, user=int, **dict.fromkeys(_names(teams), int))


_text_names_for = prepared.Rows(
    lambda user: (
        CannedText.objects.filter(team__memberships__user=user)
        .order_by("team__name", "name")
        .values_list("pk", "name", "team_id", "team__name")
    ),
    user=int,
)
