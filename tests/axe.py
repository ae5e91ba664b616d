"""The accessibility check that browser tests make of every page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe


def assert_accessible(page: Any) -> None:
    """No finding of axe on the page as it stands, however light; says which there are, and where."""
    assert (found := findings(page)) == [], f"{page.url}\n" + "\n".join(found)


def findings(page: Any, *rules: str) -> list[str]:
    """What axe finds, by these rules or all of them, best practices too."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [_told(rule) for rule in found]


def _told(rule: dict[str, Any]) -> str:
    places = "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in rule["nodes"])
    return f"  {rule['impact']}: {rule['id']}, {rule['help']}\n{places}"
