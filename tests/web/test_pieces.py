"""Tests of what a template renders once: everybody gets it, so nothing of a page or a person can be in it."""

import pytest
from django.template import Context, Engine, TemplateSyntaxError
from django.urls import set_script_prefix
from django.utils import translation

ENGINE = Engine.get_default


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


def test_captured_piece_is_escaped_once_and_shown_as_often_as_wanted():
    page = a_template("{% capture link %}<a>{{ name }}</a>{% endcapture %}{{ link }} {{ link }}")

    assert page.render(Context({"name": "<b>"})) == "<a>&lt;b&gt;</a> <a>&lt;b&gt;</a>"
