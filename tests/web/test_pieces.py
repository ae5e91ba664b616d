"""Tests of what a template renders once: nothing of a page or a person can be in it but the values it is kept by."""

from dataclasses import dataclass

import pytest
from django.template import Context, Engine, TemplateSyntaxError
from django.urls import set_script_prefix
from django.utils import translation
from django.utils.safestring import SafeString

from casesite.web.templatetags import pieces

ENGINE = Engine.get_default


@dataclass(frozen=True)
class Named:
    name: object


@dataclass
class Renamed:
    name: object


class Counting:
    """Tells how often it was looked at."""

    def __init__(self):
        self.looks = 0

    def __str__(self):
        self.looks += 1
        return "looked at"


@pytest.fixture(autouse=True)
def _nothing_kept():
    pieces.kept.clear()


def a_template(text):
    return ENGINE().from_string("{% load i18n pieces %}" + text)


def test_once_sees_nothing_of_the_page():
    page = a_template("{% once %}[{{ name }}{{ user }}{{ csrf_token }}]{% endonce %} {{ name }}")

    shown = [page.render(Context({"name": name, "user": name, "csrf_token": name})) for name in ("Ada", "Bob")]

    assert shown == ["[] Ada", "[] Bob"]


def test_once_is_rendered_a_single_time_in_each_language():
    page = a_template('{% once %}{% now "u" %}{% translate "Close" %}{% endonce %}')

    shown = []
    for language in ("en", "de", "en", "de"):
        with translation.override(language):
            shown.append(page.render(Context()))

    assert shown[:2] == shown[2:]
    assert shown[0] != shown[1]


def test_once_is_rendered_anew_for_another_address_of_the_site():
    page = a_template('{% load static %}{% once %}{% url "settings" %}{% endonce %}')

    try:
        shown = [page.render(Context())]
        set_script_prefix("/desk/")
        shown.append(page.render(Context()))
    finally:
        set_script_prefix("/")

    assert shown == ["/accounts/settings/", "/desk/accounts/settings/"]


def test_while_templates_may_change_nothing_is_kept(settings):
    page = a_template('{% once %}{% now "u" %}{% endonce %}')
    settings.DEBUG = True

    assert page.render(Context()) != page.render(Context())


def test_a_block_is_refused_within_once():
    with pytest.raises(TemplateSyntaxError, match="a block within"):
        a_template("{% once %}{% if True %}{% block title %}{% endblock %}{% endif %}{% endonce %}")


def test_piece_with_values_is_rendered_once_for_each():
    page = a_template("{% once who=bar.who is_staff=staff %}{{ who.name }} {{ is_staff }}{% now 'u' %};{% endonce %}")

    def shown(name, staff):
        return page.render(Context({"bar": {"who": Named(name)}, "staff": staff}))

    first = [shown("Ada", True), shown("Bob", True), shown("Ada", False)]

    assert [text.split(" ")[0] for text in first] == ["Ada", "Bob", "Ada"]
    assert len(set(first)) == 3
    assert [shown("Ada", True), shown("Bob", True), shown("Ada", False)] == first


def test_piece_sees_nothing_but_its_values():
    page = a_template("{% once who=who %}[{{ who }}{{ user }}{{ csrf_token }}]{% endonce %}")

    assert page.render(Context({"who": "Ada", "user": "ada", "csrf_token": "secret"})) == "[Ada]"


def test_values_are_escaped_when_they_are_shown():
    page = a_template("{% once who=who %}{{ who }}{% endonce %}")

    assert page.render(Context({"who": "<b>"})) == "&lt;b&gt;"


@pytest.mark.parametrize(
    "value", [SafeString("<b>"), [1], Named([1]), Named(SafeString("x")), Renamed("Ada"), object()]
)
def test_what_may_change_or_look_otherwise_than_its_equal_is_refused(value):
    """A row equals another by its key alone, a text that was declared safe equals one that was not."""
    page = a_template("{% once who=who %}{{ who }}{% endonce %}")

    with pytest.raises(TypeError):
        page.render(Context({"who": (value,)}))


def test_live_part_is_rendered_each_time_and_sees_the_page_around():
    page = a_template("{% once who=who %}<{{ who }} {% live %}{{ token }}{{ who }}{% endlive %}>{% endonce %}")

    shown = [page.render(Context({"who": "Ada", "token": token})) for token in ("one ", "two <")]

    assert shown == ["<Ada one Ada>", "<Ada two &lt;Ada>"]


def test_live_part_that_stands_twice_is_rendered_a_single_time():
    page = a_template(
        "{% once %}{% capture form %}<{% live %}{{ token }}{% endlive %}>{% endcapture %}{{ form }}{{ form }}{% endonce %}"
    )
    token = Counting()

    assert page.render(Context({"token": token})) == "<looked at><looked at>"
    assert token.looks == 1


def test_live_part_of_a_piece_within_a_piece_sees_the_page():
    inner = "{% once inner=who %}{{ inner }}{% live %}{{ token }}{% endlive %}{% endonce %}"
    page = a_template(f"{{% once who=who %}}[{inner}]{{% endonce %}}")

    shown = [page.render(Context({"who": "Ada", "token": token})) for token in (1, 2)]

    assert shown == ["[Ada1]", "[Ada2]"]


def test_what_is_kept_stays_within_bounds(monkeypatch):
    monkeypatch.setattr(pieces.kept, "most_bytes", 100_000)
    page = a_template("{% once who=who %}{{ who }}{% endonce %}")

    for number in range(300):
        page.render(Context({"who": str(number) * 1000}))

    assert 10 < len(pieces.kept) < 100


def test_keys_of_small_pieces_count_too(monkeypatch):
    monkeypatch.setattr(pieces.kept, "most_bytes", 100_000)
    page = a_template("{% once who=who %}{{ who|length }}{% endonce %}")

    for number in range(300):
        page.render(Context({"who": str(number) * 100}))

    assert 10 < len(pieces.kept) < 100


def test_values_are_given_by_name():
    with pytest.raises(TemplateSyntaxError, match="by name"):
        a_template("{% once topbar.told %}{% endonce %}")


def test_captured_piece_is_escaped_once_and_shown_as_often_as_wanted():
    page = a_template("{% capture link %}<a>{{ name }}</a>{% endcapture %}{{ link }} {{ link }}")

    assert page.render(Context({"name": "<b>"})) == "<a>&lt;b&gt;</a> <a>&lt;b&gt;</a>"
