"""The browser tests' guard: what the page's policy forbids shows up in the console, and the policy is on."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.mark.parametrize(
    "markup",
    ["<p style='color: red'>styled</p>", "<img src='data:,' onerror='window.ran = 1'>"],
    ids=["inline-style", "inline-handler"],
)
def test_forbidden_markup_is_refused_and_heard(page, console, markup):
    page.goto("/accounts/login/")
    assert console == []

    page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", markup)
    page.wait_for_timeout(200)

    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in said for said in console)
    console.clear()
