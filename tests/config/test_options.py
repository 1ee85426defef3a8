"""Options: declared once, shown everywhere."""

import tomllib

import pytest

from sframes_tui.config.file import load_config
from sframes_tui.config.options import help_text, options
from sframes_tui.option_docs import documented_files


def test_every_option_says_what_it_does_and_what_it_allows():
    for option in options():
        assert option.help.endswith("."), option.path
        assert option.kind, option.path
        assert option.path in help_text()


def test_kinds_are_told_in_words():
    kinds = {option.key: option.kind for option in options()}
    assert kinds["weight"] == "number from 0 to 1"
    assert kinds["seed"] == "whole number from 0 to 4294967295"
    assert kinds["preview"] == "true or false or text"
    assert kinds["chain_scope"] == 'one of "run", "chapter"'


@pytest.mark.parametrize(("path", "text"), list(documented_files()), ids=lambda each: getattr(each, "name", ""))
def test_generated_files_are_up_to_date(path, text):
    assert path.read_text() == text, "run: make docs"


@pytest.mark.parametrize(("path", "_"), list(documented_files())[1:], ids=lambda each: getattr(each, "name", ""))
def test_shipped_configurations_are_valid_and_say_what_they_need(path, _):
    assert "# Needs: " in path.read_text().split("[")[0]
    loaded = load_config(path)
    assert not loaded.notes
    assert tomllib.loads(path.read_text())["style_configs"]
