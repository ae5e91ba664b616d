"""Pieces of a template that are not rendered each time they are shown.

{% once %} ... {% endonce %}            the same for everybody: rendered once in each language
{% capture links %} ... {% endcapture %}  rendered here, to be shown as {{ links }} further down, as often as one likes
"""

from django import template
from django.conf import settings
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

MOST = 20  # languages, and addresses under which the site lies, of which a piece is kept


class Once(Node):
    """Kept with the compiled template, so it ends with the process. What it holds sees nothing of the page around it:
    neither the request nor the person can get into what everybody is shown.
    """

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self._kept: dict[tuple[str | None, str], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        if settings.DEBUG:  # files change under the process
            return self._rendered(context)
        key = get_language(), get_script_prefix()
        if key not in self._kept:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = self._rendered(context)
        return self._kept[key]

    def _rendered(self, context: Context) -> SafeString:
        nobodys = Context()
        assert context.template is not None  # it is being rendered
        with nobodys.bind_template(context.template):
            return self.nodelist.render(nobodys)


class Capture(Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        context[self.name] = self.nodelist.render(context)
        return ""


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """What is the same for everybody and on every page. A page can't fill a block in it."""
    nodelist = _until(parser, "endonce")
    if nodelist.get_nodes_by_type(BlockNode):
        raise template.TemplateSyntaxError("a block within {% once %} would be the first page's for all pages")
    return Once(nodelist)


@register.tag
def capture(parser: Parser, token: Token) -> Capture:
    """What a page shows more than once, rendered a single time."""
    _tag, name = token.split_contents()
    return Capture(name, _until(parser, "endcapture"))


def _until(parser: Parser, end: str) -> NodeList:
    nodelist = parser.parse((end,))
    parser.delete_first_token()
    return nodelist
