"""The map of the house: what it sends a stranger to is there."""

import re

from tests import named_tests

PAGE = named_tests.ROOT / "CONTRIBUTING.md"


def test_every_file_and_room_of_the_map_exists():
    table = PAGE.read_text().partition("| to change | go to |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    assert len(named) > 20
    assert [name for name in named if not (named_tests.ROOT / "sframes_tui" / name).exists()] == ["configs/"]


def test_every_room_is_drawn_in_the_map():
    drawn = PAGE.read_text().partition("```text")[2].partition("```")[0]
    rooms = [path.parent.name for path in (named_tests.ROOT / "sframes_tui").rglob("__init__.py")]
    assert [room for room in rooms if room != "sframes_tui" and not re.search(rf"\b{room}\b", drawn)] == []
