"""Cases that may be about the same thing already: same account, same service, a similar subject.

Similar by trigrams, as PostgreSQL's pg_trgm counts them, but counted here: no database needs an extension. What is compared is
bounded, so that it costs the same however many cases there are.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .models import Case, Stage
from .words import folded

SIMILAR = 0.35  # of all trigrams of both subjects, as many are in both
NEWEST = 1000  # cases of an account that are looked through
COMPARED = 200  # of them, in the same service and not done
SHOWN = 3
LONGEST = 250  # characters of a subject
_WORD = re.compile(r"[^\W_]+")


def cases_like(
    user: Any, *, account: int | None, service_code: str, subject: str, besides: int | None = None
) -> list[Case]:
    """Open cases and those going out that this person may see, the most similar first. `besides` is the case itself."""
    wanted = trigrams(subject)
    if not wanted or not account or not service_code or "\0" in service_code:
        return []
    # Newest of the account first, whoever's they are: that much an index gives; the rest is looked up row by row.
    newest = Case.objects.filter(account=account).order_by("-pk").values("pk")[:NEWEST]
    found = (
        Case.objects.visible_to(user)
        .filter(pk__in=newest, stage__in=(Stage.OUTGOING, Stage.OPEN), support__service_code=service_code)
        .exclude(pk=besides or 0)
        .select_related("author")
        .order_by("-pk")[:COMPARED]
    )
    return _most_similar(wanted, found)


def _most_similar(wanted: frozenset[str], cases: Iterable[Case]) -> list[Case]:
    scored = [(_shared(wanted, trigrams(case.subject)), case) for case in cases]
    close = [each for each in scored if each[0] >= SIMILAR]
    close.sort(key=lambda each: (-each[0], -each[1].pk))
    return [case for _score, case in close[:SHOWN]]


def similarity(one: str, other: str) -> float:
    """From 0, nothing in common, to 1, the same words."""
    return _shared(trigrams(one), trigrams(other))


@lru_cache(maxsize=2048)
def trigrams(text: str) -> frozenset[str]:
    """Three characters each of every word with its edges; width, case and punctuation make no difference."""
    words = _WORD.findall(folded(text[:LONGEST]))
    padded = (f"  {word} " for word in words)
    return frozenset(word[at : at + 3] for word in padded for at in range(len(word) - 2))


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
