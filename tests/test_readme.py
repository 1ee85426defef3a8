"""The README's page on what happens when: each of its lines names tests that exist."""

import re

from tests import named_tests

README = named_tests.ROOT / "README.md"


def rows():
    """(what happens, names of the tests that hold it) of each line of the page."""
    page = README.read_text().partition("## What happens when\n")[2].partition("\n## ")[0]
    lines = [line for line in page.splitlines() if line.startswith("| ")][1:]
    return [(line.split(" | ")[0], re.findall(r"`([\w/]+\.py::\w+)`", line)) for line in lines]


def test_every_line_is_held_by_tests_that_exist():
    found = rows()
    assert len(found) > 15
    assert [what for what, tests in found if not tests] == []
    assert named_tests.missing([f"tests/{name}" for _, names in found for name in names]) == []
