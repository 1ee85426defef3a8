"""What the program remembers from one time to the next, as somebody else may have written it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.file import load_config
from sframes_tui.engine.stepping.preview import _read as read_colours
from sframes_tui.run import row_count as rows
from sframes_tui.run.beside import trust
from sframes_tui.ui import themes
from sframes_tui.ui.terminal import abilities
from sframes_tui.ui.terminal.questions import Heard
from tests.fuzz.held import fuzzed, held
from tests.fuzz.odd import VALUES, changed, mutated
from tests.run.story_run import write_config

ENTRY = {"when": time.time(), "kitty": True, "name": "XTerm(379)", "cell": [10, 20], "attributes": ["4", "62"]}
FIGURES = {"key": {"time": time.time(), "seconds": {"1": 0.5, "2": 0.7}}}
COLOURS = {"factors": [[0.1, 0.2, 0.3]] * 4, "bias": [0.0, 0.0, 0.0]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("remembered")


def odd_json(content):
    """Its bytes put wrong, or its values."""
    return mutated(json.dumps(content).encode()) | (changed(content) | VALUES).map(
        lambda each: json.dumps(each).encode()
    )


@fuzzed(100)
@given(odd_json({"key": ENTRY}))
def test_terminals(folder, data):
    path = folder / "terminals.json"
    path.write_bytes(data)
    heard = held(lambda: abilities._recall(path, "key"))
    if heard is not None:
        known = held(lambda: abilities.judge(heard, {"TERM": "xterm"}, None))
        assert known.protocol in abilities.PROTOCOLS
        assert 2 <= known.cell.width <= 200
        assert 2 <= known.cell.height <= 400
    abilities._remember(path, "other", Heard(answered=True))
    assert abilities._recall(path, "other") is not None


@fuzzed(100)
@given(odd_json(FIGURES))
def test_times_of_calls(folder, data):
    path = folder / "rows.json"
    path.write_bytes(data)
    for figures in held(lambda: rows._read(path)).values():
        seconds = figures.seconds
        held(
            lambda seconds=seconds: [rows.interpolated(seconds, each) for each in rows.MEASURED if each <= max(seconds)]
        )


@fuzzed(100)
@given(odd_json(COLOURS))
def test_colours_of_previews(folder, data):
    path = folder / "latent_rgb.json"
    path.write_bytes(data)
    found = held(lambda: read_colours(path, 4))
    assert found is None or len(found[0]) == 4


@fuzzed(100)
@given(mutated(b'theme = "dusk"\nother = "x"\n'))
def test_the_screens_own_file(folder, data):
    path = folder / "screen.toml"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(themes, "STORE", path)
        assert isinstance(held(lambda: themes.recall("theme")), str)
        themes.remember("theme", "fjord")
        assert themes.recall("theme") == "fjord"


@fuzzed(60)
@given(st.binary(max_size=300) | st.sampled_from([b"\0" * 5000, b"!" * 5000, b"x" * 100_000]))
def test_what_was_allowed(folder, data):
    """Nothing is, by accident."""
    path = folder / "trusted"
    path.write_bytes(data)
    loaded = load_config(write_config(folder, 'notify = "touch x"'))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trust, "STORE", path)
        assert held(lambda: trust.allowed(loaded.path, loaded.config)) is None
