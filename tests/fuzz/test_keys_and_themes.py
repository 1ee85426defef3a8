"""Key files and themes of strangers: every line is a key or a theme, or a sentence says why not."""

import re
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from textual.css.stylesheet import Stylesheet

from sframes_tui.ui import themes
from sframes_tui.ui.commands import COMMANDS
from sframes_tui.ui.keymap import load_keymap
from sframes_tui.ui.themes import SHIPPED, load_themes
from tests.fuzz.held import assert_tellable, fuzzed, held
from tests.fuzz.odd import TEXTS, VALUES, changed, mutated
from tests.fuzz.test_configuration import is_toml

NAMES = st.sampled_from([command.id for command in COMMANDS]) | TEXTS
KEYS = (
    st.sampled_from(["ctrl+r", "f10", "x", "X", ",", "ctrl+", "a,b", "[bold]", "\x1b", "é", " ", "ctrl+ctrl+a"])
    | VALUES
)
COLOURS = ["red; } * { display: none", "#fff /*", "$primary", "auto 50%", "ansi_red", "hsl(1e400,1%,1%)", "#fff 999%"]
COLOURS += [
    "none bold",
    "not",
    "bold not underline",
    "not not",
    "bold",
    "rgb(9999999999,0,0)",
    "transparent",
    "#fff 5%",
]
CSS = [path.read_text() for path in Path(themes.__file__).parent.glob("*.tcss")]
CSS += ["Label { text-style: $link-style; background: $link-background; border: round $border; color: $own; }"]
THEME = {"dark": True, "primary": "#fff", "text_alpha": 1.0, "variables": {"own": "#fff 50%", "border": "red"}}
THEME["variables"] |= {"link-style": "bold", "text-muted": "#fff", "block-cursor-text-style": "none"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


def read_keys(path):
    keymap, problems = held(lambda: load_keymap(path))
    known = {command.id for command in COMMANDS}
    assert keymap.keys() <= known
    assert all(re.fullmatch(r"[^\s\x00-\x1f]+", keys) for keys in keymap.values())
    for problem in problems:
        assert_tellable(problem)


def read_themes(folder):
    found, problems = held(lambda: load_themes([folder]))
    for problem in problems:
        assert_tellable(problem)
    for theme in found:
        # What Textual does once the theme is chosen.
        variables = theme.to_color_system().generate() | {"own": "red"} | theme.variables
        sheet = Stylesheet(variables=variables)
        for css in CSS:
            sheet.add_source(css)
        sheet.parse()


@fuzzed(100)
@given(st.dictionaries(NAMES, KEYS, max_size=5).filter(is_toml))
def test_keys(folder, lines):
    (folder / "keys.toml").write_text(tomli_w.dumps(lines))
    read_keys(folder / "keys.toml")


@fuzzed(100)
@given(mutated(b'pause = "p"\nstart = "ctrl+r"\nhelp = "f1,x"\n'))
def test_bytes_of_keys(folder, data):
    (folder / "keys.toml").write_bytes(data)
    read_keys(folder / "keys.toml")


@fuzzed(60)
@given(mutated((SHIPPED / "contrast.toml").read_bytes()))
def test_bytes_of_themes(folder, data):
    (folder / "own.toml").write_bytes(data)
    read_themes(folder)


@fuzzed(100)
@given(changed(THEME, values=st.sampled_from(COLOURS) | VALUES).filter(is_toml))
def test_values_of_themes(folder, values):
    (folder / "own.toml").write_text(tomli_w.dumps(values))
    read_themes(folder)
