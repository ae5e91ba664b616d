"""The empty form of a new case with what stands around it, rendered once for each catalogue and language.

With all the services of AWS the form costs a page's time many times over, and everybody's is the same but for a few places.
What all share is kept by what it is made from. A person's own pieces (accounts, teams, services used lately, how the account
stands) are put into their places for each request, from what is read for it.
"""

import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from casesite.catalog.models import SupportCatalog
from casesite.catalog.schema import SupportSnapshot
from casesite.teams.models import AwsAccount, Team
from casesite.teams.targets import targets_in
from casesite.web.lru import Lru

from ..holes import LEAVE_OPEN
from .offer import Choices, Offer
from .support import SupportForm

ACCOUNT, TEAM, SERVICE = "account", "team", "service_code"  # selects with a person's own options
# Nobody knows it outside this process: no text of a catalogue is taken for a place.
_SECRET = secrets.token_hex(16)
_PLACE = re.compile(rf"<option[^>]*>\s*{_SECRET}:(\w+)\s*</option>|{_SECRET}:([\w/.]+);")


@dataclass(frozen=True)
class Piece:
    """What everybody gets, or the place of a person's own: a template that the page fills, or the options of a select."""

    html: str = ""
    template: str = ""
    options_of: str = ""


@dataclass(frozen=True)
class Shared:
    """The form as everybody gets it, with places left open."""

    pieces: tuple[Piece, ...]
    services: Mapping[str, SafeString]  # an option for each, by code

    @cached_property
    def all_services(self) -> SafeString:
        """The options one after another."""
        return _joined(self.services.values())

    @property
    def size(self) -> int:
        held = (self.all_services, *(piece.html for piece in self.pieces))
        return sum(map(sys.getsizeof, (*held, *self.services, *self.services.values())))


@dataclass(frozen=True)
class Key:
    """All that the shared part is made from. Code and templates are those of the process."""

    content_sha256: str
    language: str
    issue_type: str
    case_language: str
    asks_for_team: bool
    first_response: str  # the account's targets where they are not the usual ones
    address: str  # under which the site lies
    asks_aws: bool  # whether a button has AWS asked

    @property
    def values(self) -> dict[str, str]:
        return {"issue_type": self.issue_type, "language": self.case_language}


kept: Lru[Shared] = Lru(most_bytes=4_000_000, size_of=lambda shared: shared.size)


class BlankForm:
    """Stands for a `SupportForm` that holds nothing yet, for one person, and for the page around it.

    `around` gives what the page says there to everybody: addresses, and the names of buttons.
    """

    def __init__(self, offer: Offer, around: Callable[[], Mapping[str, Any]]) -> None:
        assert not (offer.case or offer.service_code or offer.category_code or offer.severity_code), (
            "only the empty form"
        )
        self.offer = offer
        self.around = around

    @cached_property
    def pieces(self) -> list[Piece]:
        """In their order; a page renders the template of those that have one."""
        return [Piece(self._options(piece.options_of)) if piece.options_of else piece for piece in self._shared.pieces]

    # --- what all share ------------------------------------------------------------------------------------------------
    @property
    def key(self) -> Key:
        return Key(
            content_sha256=self.offer.catalog.content_sha256 if self.offer.catalog else "",
            language=get_language() or "",
            issue_type=self.offer.issue_type,
            case_language=self.offer.language,
            asks_for_team=self.offer.asks_for_team,
            first_response=self.offer.account.first_response if self.offer.account else "",
            address=get_script_prefix(),
            asks_aws=settings.DRY_RUNS,
        )

    @cached_property
    def _shared(self) -> Shared:
        make = lambda: _render(self.key, self.offer.snapshot, self.around())  # noqa: E731
        return make() if settings.DEBUG else kept.get(self.key, make)  # with DEBUG templates change under a process

    # --- what is a person's own ----------------------------------------------------------------------------------------
    def _options(self, name: str) -> SafeString:
        if name == ACCOUNT:
            choices = [("", _("Choose an account")), *((str(a.pk), str(a)) for a in self.offer.accounts)]
            return _options(choices, chosen=self.offer.account_pk)
        if name == TEAM:
            return _options([(str(team.pk), str(team)) for team in self.offer.teams])
        return self._service_options

    @property
    def _service_options(self) -> SafeString:
        services = self._shared.services
        lately = set(self.offer.services_used_lately) & services.keys()
        rest = self._shared.all_services
        if not lately:
            return rest
        # Put together from the whole: a few pieces are taken out sooner than hundreds are joined.
        for code in lately:
            rest = mark_safe(rest.replace(services[code], "", 1))  # each option is escaped, and holds its code
        first = _joined(option for code, option in services.items() if code in lately)
        groups = ((_("Used lately"), first), (_("All services"), rest))
        return format_html_join("", '<optgroup label="{}">{}</optgroup>', groups)


class _Nobodys(Offer):
    """What a catalogue offers, with nobody's accounts, teams and habits."""

    accounts: list[AwsAccount] = []  # type: ignore[assignment]
    teams: list[Team] = []  # type: ignore[assignment]
    services_used_lately: list[str] = []  # type: ignore[assignment]
    account: AwsAccount | None = None  # type: ignore[assignment]
    catalog: SupportCatalog | None = None  # type: ignore[assignment]

    asks_for_team: bool = False  # type: ignore[assignment]

    def __init__(self, snapshot: SupportSnapshot, key: Key) -> None:
        super().__init__(None, key.values)
        self.own_snapshot = snapshot
        self.asks_for_team = key.asks_for_team
        self.targets = targets_in(key.first_response)

    @property
    def response_targets(self) -> dict[str, timedelta]:
        return self.targets

    @property
    def snapshot(self) -> SupportSnapshot:
        return self.own_snapshot

    @property
    def service_choices(self) -> Choices:
        return [_open(SERVICE)]


def _render(key: Key, snapshot: SupportSnapshot, around: Mapping[str, Any]) -> Shared:
    offer = _Nobodys(snapshot, key)
    form = SupportForm(offer=offer, initial=key.values)
    assert form.helper.layout is not None  # asked for first: it gives the selects the choices that it knows
    form.fields[ACCOUNT].widget.choices = [_open(ACCOUNT)]  # type: ignore[attr-defined]
    form.fields[TEAM].widget.choices = [_open(TEAM)]  # type: ignore[attr-defined]
    own = {"advice": form.advice, "offer": offer, "form": form, LEAVE_OPEN: lambda template: f"{_SECRET}:{template};"}
    whole = render_to_string("desk/_case_form.html", {**around, **own})
    services = snapshot.choices(key.issue_type)
    return Shared(
        pieces=tuple(_parted(whole)),
        services={code: format_html('<option value="{}">{}</option>', code, name) for code, name in services},
    )


def _parted(whole: str) -> Iterator[Piece]:
    end = 0
    for found in _PLACE.finditer(whole):
        yield Piece(mark_safe(whole[end : found.start()]))  # rendered by the form's own templates
        yield Piece(options_of=found[1] or "", template=found[2] or "")
        end = found.end()
    yield Piece(mark_safe(whole[end:]))


def _open(name: str) -> tuple[str, str]:
    """A choice in whose place a person's own options come."""
    return name, f"{_SECRET}:{name}"


def _options(choices: Iterable[tuple[str, str]], chosen: str | None = None) -> SafeString:
    return _joined(
        format_html('<option value="{}"{}>{}</option>', code, mark_safe(" selected") if code == chosen else "", name)
        for code, name in choices
    )


def _joined(options: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(options))  # each is escaped already
