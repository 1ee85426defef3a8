"""Configuration files of strangers, and what is given with --set."""

import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.document import Document
from sframes_tui.config.file import parse_config, parse_override, read_config_text
from sframes_tui.config.options import SECTIONS
from sframes_tui.config.parse import salvaged
from sframes_tui.plan.draft import make_draft
from tests.fuzz.held import fuzzed, held
from tests.fuzz.odd import TEXTS, VALUES, changed, mutated
from tests.run.story_run import write_config

PATH = Path("my.toml")
KEYS = sorted({f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields})

TOML_VALUES = VALUES | st.datetimes() | st.dates() | st.times() | st.lists(TEXTS, max_size=50)


def is_toml(value):
    try:
        tomli_w.dumps(value if isinstance(value, dict) else {"x": value}).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def as_toml(value):
    return tomli_w.dumps({"x": value}).partition("=")[2].strip()


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp("config"))


def every_use(text):
    """What a front end does with a configuration's text, up to the plan."""
    loaded = held(lambda: parse_config(text, PATH))
    if loaded is not None:
        held(lambda: make_draft(loaded))
    held(lambda: salvaged(text, PATH))


@fuzzed(150)
@given(st.data())
def test_bytes(config, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(data.draw(mutated(config.read_bytes())))
    text = held(lambda: read_config_text(path))
    if text is not None:
        every_use(text)
    document = held(lambda: Document.open(path))
    if document is not None:
        held(lambda: (document.problems, document.problem, document.loaded, document.changed))


@fuzzed(150)
@given(st.data())
def test_values(config, data):
    """Valid TOML with values of the wrong kinds in the right places."""
    values = tomllib.loads(config.read_text())
    every_use(tomli_w.dumps(data.draw(changed(values, values=TOML_VALUES).filter(is_toml))))


@fuzzed(150)
@given(st.sampled_from(KEYS) | st.text(max_size=40), st.sampled_from(["=", "", " = ", "=="]), st.data())
def test_what_is_given_with_set(config, key, between, data):
    value = data.draw(st.text(max_size=40) | TOML_VALUES.filter(is_toml).map(as_toml))
    override = held(lambda: parse_override(f"{key}{between}{value}"))
    if override is not None:
        text = config.read_text()
        loaded = held(lambda: parse_config(text, PATH, [override]))
        if loaded is not None:
            held(lambda: make_draft(loaded))
