"""The accessibility check that browser tests make of every page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

GRAVE = ("serious", "critical")


def assert_accessible(page: Any) -> None:
    """No serious or critical finding of axe on the page as it stands; says which there are, and where."""
    assert (grave := findings(page)) == [], f"{page.url}\n" + "\n".join(grave)


def findings(page: Any, *rules: str) -> list[str]:
    """The serious and critical ones, by these rules or all."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [_told(rule) for rule in found if rule["impact"] in GRAVE]


def _told(rule: dict[str, Any]) -> str:
    places = "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in rule["nodes"])
    return f"  {rule['impact']}: {rule['id']}, {rule['help']}\n{places}"
