"""Finds tests by the names that documents give them, `tests/test_cli.py::test_x`, without running anything."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def tests_of(path):
    """The names of a file's test functions."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def missing(names):
    """Those of `names` that are no test of this repository."""
    return [name for name in names if not _exists(*name.partition("::")[::2])]


def _exists(path, name):
    return (ROOT / path).is_file() and name.startswith("test_") and name in tests_of(path)
