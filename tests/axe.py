"""The accessibility check that browser tests make of every page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

_SCRIPT = Axe().axe_script  # into each page once; what it found well is not brought over, which took as long as looking


def assert_accessible(page: Any) -> None:
    """No finding of axe on the page as it stands, however light; says which there are, and where."""
    assert (found := findings(page)) == [], f"{page.url}\n" + "\n".join(found)


def findings(page: Any, *rules: str) -> list[str]:
    """What axe finds, by these rules or all of them, best practices too."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found = page.evaluate("options => axe.run(document, options).then(({ violations }) => violations)", options)
    return [_told(rule) for rule in found]


def _told(rule: dict[str, Any]) -> str:
    places = "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in rule["nodes"])
    return f"  {rule['impact']}: {rule['id']}, {rule['help']}\n{places}"
