"""Reads the direction of every import off the code: arrows run one way, and only two packages know boto3."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "casesite"

# The package and what it may import; each line goes one step up the house.
BELOW_SUBMISSIONS = {"web", "screening", "teams", "pacing", "lookups", "catalog", "cases"}
ARROWS = {
    "web": set(),
    "aws": set(),
    "sandbox": set(),
    "screening": set(),
    "teams": {"web"},
    "pacing": {"teams", "web"},
    "lookups": {"aws", "pacing", "teams", "web"},
    "catalog": {"aws", "lookups", "pacing", "teams", "web"},
    "cases": {"catalog", "pacing", "screening", "teams", "web"},
    "submissions": BELOW_SUBMISSIONS | {"aws.requests"},
    "notices": BELOW_SUBMISSIONS | {"submissions"},
    "delivery": BELOW_SUBMISSIONS | {"aws", "submissions", "notices"},
    "desk": BELOW_SUBMISSIONS | {"aws.requests", "submissions"},
    "review": BELOW_SUBMISSIONS | {"aws.requests", "submissions"},
}
FREE = {"settings", "urls", "celery", "wsgi", "apps", "checks", "runner"}  # these tie the house together
OPEN_TO_ALL = {"clock", "database", "failpoints", "garbage", "prepared"}  # modules that belong to no package
ALONE = {"sandbox", "screening"}  # do not import those either: they know nothing of the site
VAGUE = {"common", "core", "utils", "helpers", "misc"}


class Import(NamedTuple):
    file: Path
    line: int
    module: str  # dotted, absolute

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def _files() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def _imports(file: Path) -> Iterator[Import]:
    """Every import in the file, those inside functions too; `from x import y` counts as x.y."""
    package = list(file.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file, node.lineno, f"{start}.{alias.name}")


def _package(file: Path) -> str:
    return file.relative_to(HOUSE).with_suffix("").parts[0]


def _is_allowed(owner: str, module: str) -> bool:
    """Whether `owner` may import the module of ours (`aws.requests.SupportCaseRequest`, without the house's name)."""
    target = module.partition(".")[0]
    if target == owner:
        return True
    if target in OPEN_TO_ALL:
        return owner not in ALONE
    return any(module == arrow or module.startswith(f"{arrow}.") for arrow in ARROWS[owner])


def _wrong_arrows(files: list[Path]) -> list[str]:
    return [
        str(found)
        for file in files
        if (owner := _package(file)) not in FREE | OPEN_TO_ALL | {"__init__"}
        for found in _imports(file)
        if found.module.startswith("casesite.") and not _is_allowed(owner, found.module.removeprefix("casesite."))
    ]


def test_imports_follow_the_arrows():
    assert _wrong_arrows(_files()) == []


def test_every_package_has_its_arrows():
    packages = {path.name for path in HOUSE.iterdir() if (path / "__init__.py").exists()}

    assert packages - FREE == set(ARROWS)


def test_modules_of_no_package_import_nothing_of_ours():
    found = [str(i) for name in OPEN_TO_ALL for i in _imports(HOUSE / f"{name}.py") if i.module.startswith("casesite")]

    assert found == []


def test_boto3_is_known_to_the_gateways_and_the_simulator_only():
    found = [
        str(found)
        for file in _files()
        if _package(file) not in ("aws", "sandbox")
        for found in _imports(file)
        if found.module.partition(".")[0] in ("boto3", "botocore")
    ]

    assert found == []


def test_models_import_nothing_of_aws():
    found = [
        str(found)
        for file in _files()
        if file.name == "models.py"
        for found in _imports(file)
        if found.module.startswith("casesite.aws")
    ]

    assert found == []


def test_names_of_packages_say_what_they_do():
    names = {path.stem for path in HOUSE.rglob("*") if path.is_dir() or path.suffix == ".py"}

    assert names & VAGUE == set()


def test_the_house_itself_is_empty():
    assert (HOUSE / "__init__.py").read_text() == ""


@pytest.mark.parametrize(
    ("owner", "line", "verdict"),
    [
        ("desk", "from casesite.delivery.models import Attempt", False),
        ("desk", "from casesite.submissions import workflow", True),
        ("desk", "from casesite import delivery", False),
        ("desk", "from ..review import site", False),
        ("desk", "import casesite.aws.support", False),
        ("submissions", "from casesite.aws.requests import SupportCaseRequest", True),
        ("submissions", "from casesite.aws import requests", True),
        ("submissions", "from casesite.aws import support", False),
        ("sandbox", "from casesite import clock", False),
        ("cases", "from casesite import clock", True),
        ("cases", "from . import labels", True),
    ],
)
def test_rule_catches_what_it_should(tmp_path, monkeypatch, owner, line, verdict):
    house = tmp_path / "casesite"
    file = house / owner / "probe.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"def late():\n    {line}\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "HOUSE", house)

    assert (_wrong_arrows([file]) == []) is verdict


def test_web_process_loads_no_aws_library():
    """With every address, view, form and admin page loaded. In a process of its own: this one has boto3 already."""
    program = (
        "import sys, casesite.wsgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns, get_resolver().reverse_dict\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 's3transfer'}))"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
