"""Pieces of a template that are not rendered each time they are shown.

{% once %} ... {% endonce %}              the same for everybody: rendered once in each language
{% once bar=topbar.told %} ... {% endonce %}  rendered once for each value, which is all that the piece sees
{% live %} ... {% endlive %}              within such a piece: rendered each time, and sees the page around it
{% capture links %} ... {% endcapture %}  rendered here, to be shown as {{ links }} further down, as often as one likes
"""

import re
import secrets
import sys
from dataclasses import fields, is_dataclass
from typing import Any, cast

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from casesite.web.lru import Lru

register = template.Library()

# Nobody knows it outside this process: no text of a page is taken for a place.
_SECRET = secrets.token_hex(16)
_PLACE = re.compile(rf"{_SECRET}:(\d+);")
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Live(Node):
    """Stands in a piece that is kept, and is rendered anew each time: a token, a time."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        leaves_open: list[Live] | None = getattr(context, "leaves_open", None)
        if leaves_open is None:
            return self.nodelist.render(context)
        if self not in leaves_open:
            leaves_open.append(self)
        return SafeString(f"{_SECRET}:{leaves_open.index(self)};")


KEY_BYTES = 1000  # about what a key takes, with the values in it
Pieces = tuple[SafeString | Live, ...]
kept: Lru[Pieces] = Lru(
    most_bytes=4_000_000,
    size_of=lambda pieces: KEY_BYTES + sum(sys.getsizeof(piece) for piece in pieces if isinstance(piece, str)),
)


class Once(Node):
    """Kept in this process by all that it is made of: its place in a template, the language, the site's address, and the
    values it is given. It sees nothing else of the page around it, neither the request nor the person, so what one person
    is shown can get to another only where both have the very same values.
    """

    child_nodelists = ()  # no block is in it, so whoever looks for the blocks of a page need not look here

    def __init__(self, nodelist: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._names = tuple(values)
        self._values = tuple(values.values())

    def render(self, context: Context) -> SafeString:
        given = tuple([value.resolve(context) for value in self._values])
        if settings.DEBUG:  # files change under the process
            pieces = self._pieces(context, given)
        else:
            key = self, get_language(), get_script_prefix(), given
            pieces = kept.get(key, lambda: self._pieces(context, given))
        if len(pieces) == 1:
            return pieces[0]  # type: ignore[return-value]  # without a live one there is but text
        rendered: dict[Live, str] = {}
        for piece in pieces:
            if isinstance(piece, Live) and piece not in rendered:
                rendered[piece] = piece.render(context)
        return SafeString("".join([rendered[piece] if isinstance(piece, Live) else piece for piece in pieces]))

    def _pieces(self, context: Context, given: tuple[Any, ...]) -> Pieces:
        if not _is_plain(given):
            raise TypeError(f"{{% once %}} is kept by its values, so these have to be plain ones: {given!r}")
        nobodys: Any = Context(dict(zip(self._names, given, strict=True)))
        nobodys.leaves_open = []
        assert context.template is not None  # it is being rendered
        with nobodys.bind_template(context.template):
            parts = _PLACE.split(self.nodelist.render(nobodys))
        return tuple(
            nobodys.leaves_open[int(part)] if number % 2 else SafeString(part) for number, part in enumerate(parts)
        )


def _is_plain(value: Any) -> bool:
    """Whether equal values are shown alike, for ever: no row, whose equal may hold something else by now; no text that
    was declared safe, which equals the same text that was not.
    """
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    if is_dataclass(value):
        frozen: bool = cast(Any, value).__dataclass_params__.frozen
        return frozen and all(_is_plain(getattr(value, field.name)) for field in fields(value))
    return type(value) in _PLAIN


class Capture(Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        context[self.name] = self.nodelist.render(context)
        return ""


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """What is the same for everybody, or for all who have the same values. A page can't fill a block in it."""
    _tag, *given = token.split_contents()
    values = token_kwargs(given, parser)
    if given:
        raise template.TemplateSyntaxError("{% once %} takes values by name: {% once bar=topbar.told %}")
    nodelist = _until(parser, "endonce")
    if nodelist.get_nodes_by_type(BlockNode):
        raise template.TemplateSyntaxError("a block within {% once %} would be the first page's for all pages")
    return Once(nodelist, values)


@register.tag
def live(parser: Parser, token: Token) -> Live:
    """What differs each time, within a piece that is kept."""
    return Live(_until(parser, "endlive"))


@register.tag
def capture(parser: Parser, token: Token) -> Capture:
    """What a page shows more than once, rendered a single time."""
    _tag, name = token.split_contents()
    return Capture(name, _until(parser, "endcapture"))


def _until(parser: Parser, end: str) -> NodeList:
    nodelist = parser.parse((end,))
    parser.delete_first_token()
    return nodelist
