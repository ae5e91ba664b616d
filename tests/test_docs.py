"""The documents against the code: what is documented exists, and what exists is documented."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import botocore.session
import pytest
from django.core.management import get_commands

from casesite import settings as casesite_settings
from casesite.delivery import (
    canary,
    claim,
    connect_doubt,
    connect_work,
    dispatcher,
    doubt,
    dry_runs,
    lanes,
    persistence,
    readiness,
    reconcile,
    report,
    uploads,
    watch,
    watchdog,
    work,
)
from casesite.pacing import bell, gate, schedule, times
from casesite.submissions import dry_runs as submission_dry_runs

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DELIVERY = (ROOT / "docs" / "delivery.md").read_text()
NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
# Not read by us: it tells Django where the settings are.
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables, less the heads."""
    cells = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return [row for before, row in zip([[], *cells], cells, strict=False) if before and not _is_rule(row)]


def _is_rule(row: list[str]) -> bool:
    return all(set(cell) <= {"-", " "} and cell for cell in row)


# --- variables -----------------------------------------------------------------------------------------------------------
def read_in(path: Path) -> Iterator[str]:
    """The environment variables that a file reads: by name in a call, or as an item of os.environ."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=function, args=[ast.Constant(value=name), *_]) if _reads_environment(function):
                if NAME.fullmatch(str(name)):
                    yield name
            case ast.Subscript(value=mapping, slice=ast.Constant(value=name), ctx=ast.Load()):
                if ast.unparse(mapping) == "os.environ":
                    yield name


def _reads_environment(function: ast.expr) -> bool:
    name = ast.unparse(function)
    return name.startswith("env.") or name in ("os.environ.get", "os.getenv", "_one_of", "_number")


def test_every_variable_is_documented_and_every_documented_one_is_read():
    read = {name for path in (ROOT / "casesite").rglob("*.py") for name in read_in(path)} - NOT_OURS
    documented = [row[0].strip("`") for row in rows(section(OPERATIONS, "Environment"))]

    assert sorted(documented) == sorted(read)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('env.str("CASESITE_AWS")', ["CASESITE_AWS"]),
        ('_number("CASESITE_TIME_SCALE", 1, 1, 60)', ["CASESITE_TIME_SCALE"]),
        ('os.environ.get("PORT")', ["PORT"]),
        ('os.environ["PORT"]', ["PORT"]),
        ('os.environ["PORT"] = "1"', []),
        ('print("CASESITE_AWS")', []),
    ],
)
def test_reading_of_variables_is_recognised(tmp_path, line, found):
    file = tmp_path / "probe.py"
    file.write_text(line)

    assert list(read_in(file)) == found


# --- commands ------------------------------------------------------------------------------------------------------------
def test_every_command_is_documented():
    ours = {name for name, package in get_commands().items() if package.startswith("casesite.")}
    documented = [row[0].strip("`").split()[0] for row in rows(section(OPERATIONS, "Commands"))]

    assert sorted(documented) == sorted(ours)


def test_every_target_of_make_is_documented():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}

    assert {target for target in targets if f"`{target}`" not in section(OPERATIONS, "Commands")} == set()


# --- numbers -------------------------------------------------------------------------------------------------------------
UNITS = {"s": 1, "min": 60, "h": 3600}
MODULES = {
    "submissions": {"dry_runs": submission_dry_runs},
    "pacing": {"times": times, "gate": gate, "schedule": schedule, "bell": bell},
    "delivery": {
        "canary": canary,
        "claim": claim,
        "connect_doubt": connect_doubt,
        "connect_work": connect_work,
        "dispatcher": dispatcher,
        "doubt": doubt,
        "dry_runs": dry_runs,
        "lanes": lanes,
        "persistence": persistence,
        "reconcile": reconcile,
        "readiness": readiness,
        "report": report,
        "uploads": uploads,
        "watch": watch,
        "watchdog": watchdog,
        "work": work,
    },
}


def in_code(expression: str) -> list[float]:
    """The value a cell of the table names, in seconds or as it is."""
    head, _dot, rest = expression.partition(".")
    if head == "settings":
        value = getattr(casesite_settings, rest)
    else:
        module, _dot, rest = rest.partition(".")
        value = eval(rest, vars(MODULES[head][module]))  # the table is ours
    values = value if isinstance(value, tuple) else (value,)
    return [one.total_seconds() if isinstance(one, timedelta) else float(one) for one in values]


def in_words(cell: str) -> list[float]:
    """`10 s, 1 min` as [10, 60]; a bare number as it is."""
    parts = (part.split() for part in cell.split(","))
    return [float(part[0]) * (UNITS[part[1]] if len(part) > 1 else 1) for part in parts]


@pytest.mark.parametrize(
    ("what", "words", "code"), rows(section(DELIVERY, "Numbers")), ids=lambda cell: cell.replace("`", "")
)
def test_number_in_the_document_is_that_of_the_code(what, words, code):
    assert in_words(words) == in_code(code.strip("`"))


# --- the policy ----------------------------------------------------------------------------------------------------------
def test_policy_in_the_readme_names_the_actions_that_are_used():
    source = (ROOT / "casesite" / "aws" / "support.py").read_text()
    calls = set(re.findall(r"\.([a-z]+(?:_[a-z]+)+)\(", source))
    calls = {call for call in calls if is_operation(call)}
    # One action covers all operations that bring large files.
    names = ("upload_attachment" if "attachment_upload" in call else call for call in calls)
    used = {"support:" + "".join(part.title() for part in name.split("_")) for name in names}
    policies = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    ]
    actions = [action for policy in policies for rule in policy["Statement"] for action in _listed(rule["Action"])]

    assert {action for action in actions if action.startswith("support:")} == used


def test_policy_for_connect_names_the_actions_that_are_used():
    source = (ROOT / "casesite" / "aws" / "connect_cases.py").read_text()
    calls = set(re.findall(r'region, "([a-z_]+)"|client\.([a-z]+_[a-z_]+)\(', source))
    calls = {name for pair in calls for name in pair if name}
    # A batch is allowed by the right to make one.
    names = (call.removeprefix("batch_") if "create" in call else call for call in calls)
    used = {"cases:" + "".join(part.title() for part in name.split("_")) for name in names}

    # Tags on a new case need a right of their own.
    assert set(re.findall(r'"(cases:[A-Za-z]+)"', (ROOT / "README.md").read_text())) == used | {"cases:TagResource"}


def test_policy_for_searches_and_files_names_the_actions_that_are_used():
    source = (ROOT / "casesite" / "aws" / "connect_people.py").read_text()
    called = re.findall(r'_(?:pages|call)\((PROFILES|CONNECT), target, region, "([a-z_]+)"', source)
    called += [("CONNECT", name) for name in re.findall(r'method, member = "([a-z_]+)"', source)]
    files = (ROOT / "casesite" / "aws" / "connect_files.py").read_text()
    called += [("CONNECT", name) for name in re.findall(r"client\.([a-z]+_[a-z_]+)\(", files)]
    prefixes = {"PROFILES": "profile", "CONNECT": "connect"}
    used = {f"{prefixes[service]}:" + "".join(part.title() for part in name.split("_")) for service, name in called}

    assert set(re.findall(r'"((?:profile|connect):[A-Za-z]+)"', (ROOT / "README.md").read_text())) == used


def is_operation(call: str) -> bool:
    """Whether AWS Support has an operation of that name."""
    operations = botocore.session.get_session().get_service_model("support").operation_names
    return "".join(part.title() for part in call.split("_")) in operations


def _listed(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action


# --- links ---------------------------------------------------------------------------------------------------------------
def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(document: Path) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in link:
            continue
        name, _hash, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    assert dead_links(document) == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_the_code_named_in_documents_exist(document):
    named = re.findall(r"`((?:casesite|tests|bench|static|templates|docs)/[\w./-]+)`", document.read_text())

    assert [name for name in named if not (ROOT / name).exists()] == []
