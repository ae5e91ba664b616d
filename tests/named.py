"""Tests by the names that tables and documents give them: path::name, or path::name[case]."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def exists(reference: str) -> bool:
    """Whether there is such a test, with the case among those that its decorators spell out or take from a table."""
    path, _, name = reference.partition("::")
    name, _, case = name.rstrip("]").partition("[")
    tests = written_in(ROOT / path)
    return name in tests and (not case or repr(case) in tests[name])


@cache
def written_in(path: Path) -> dict[str, str]:
    """The tests of a file by name, with their decorators as they are written."""
    return {
        node.name: " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
