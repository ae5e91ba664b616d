"""What stands above every page: links, numbers beside them, and notices in the strip. Packages register theirs in `ready()`.

Each callable takes the request of a signed-in person and asks the database at most once; pages that show no top bar
(fragments) ask nothing.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A place in the top bar. It is the current one on every page whose address starts with `covers`."""

    text: Any
    url: str
    covers: str = ""
    count: str = ""
    count_text: Any = ""  # what the number counts, for those who hear it
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One line of the strip: what is wrong, and where to read on."""

    text: Any
    tone: str = "bad"
    url: str = ""
    link_text: Any = ""


# A person's own pages lie among the accounts, but belong to no place in the bar.
PERSONAL = ("/accounts/settings/", "/accounts/password/")

Links = Callable[[HttpRequest], Link | None]
Count = Callable[[HttpRequest], str]
Notices = Callable[[HttpRequest], Iterable[Notice]]

_links: dict[str, Links] = {}
_counts: dict[str, Count] = {}
_notices: list[Notices] = []


def register_link(name: str, link: Links) -> None:
    """Show a link after Desk and Cases to those for whom `link` gives one."""
    _links[name] = link


def register_count(name: str, count: Count) -> None:
    """Show a number beside the link of that name, where it is shown at all."""
    _counts[name] = count


def register_notice(notices: Notices) -> None:
    """Show lines under the top bar, for instance accounts in trouble."""
    if notices not in _notices:
        _notices.append(notices)


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that the bar says of a person. Equal ones look alike, so what they look like is kept."""

    name: str
    new_case_url: str
    is_staff: bool
    links: tuple[Link, ...]


class TopBar:
    """The top bar of one request, worked out when a page shows it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        user = getattr(request, "user", None)  # missing where a request failed before it was known who asks
        self.user = user if user is not None and user.is_authenticated else None

    @cached_property
    def told(self) -> Told | None:
        """With all words in this request's language; nothing where nobody is signed in."""
        if not self.user:
            return None
        return Told(
            name=self.name, new_case_url=self.new_case_url, is_staff=self.user.is_staff, links=tuple(self.links)
        )

    @cached_property
    def links(self) -> list[Link]:
        """With all words in this request's language."""
        if not self.user:
            return []
        fixed = [
            Link(text=_("Desk"), url="/"),
            Link(text=_("Cases"), url="/cases/", covers="/cases/"),
        ]
        more = [link for name in _links if (link := self._registered(name))]
        return [
            replace(link, text=str(link.text), count_text=str(link.count_text), current=self._is_current(link))
            for link in (*fixed, *more)
        ]

    @cached_property
    def notices(self) -> tuple[Notice, ...]:
        """With all words in this request's language."""
        if not self.user:
            return ()
        found = (notice for notices in _notices for notice in notices(self.request))
        return tuple(replace(notice, text=str(notice.text), link_text=str(notice.link_text)) for notice in found)

    @property
    def name(self) -> str:
        return self.user.get_full_name() or self.user.get_username() if self.user else ""

    @property
    def new_case_url(self) -> str:
        return "/cases/new/support/"

    @property
    def sandbox_page(self) -> str:
        """For those who are signed in."""
        return f"{settings.SANDBOX_URL}/_sandbox/" if settings.SANDBOX and self.user else ""

    def _registered(self, name: str) -> Link | None:
        link = _links[name](self.request)
        if link and name in _counts:
            return replace(link, count=_counts[name](self.request))
        return link

    def _is_current(self, link: Link) -> bool:
        path = self.request.path
        if path in PERSONAL:
            return False
        return path == link.url or bool(link.covers and path.startswith(link.covers))
