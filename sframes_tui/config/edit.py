"""New values put into the text of a configuration file, its comments and order kept. Must not import torch."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item, Table

from sframes_tui.config.style_blocks import with_style_blocks
from sframes_tui.config.values import STYLES, same_value
from sframes_tui.errors import ConfigError


def updated_text(text: str, values: Mapping[str, Any], origins: Sequence[int | None] | None = None) -> str:
    """`text` with exactly the keys and values of `values`, its comments, order and untouched values kept.

    `origins` says for each style which table of `text` it was (None: a new one), so that comments move with their
    style; without it, styles are those of the text in order. Raises `ConfigError` if `text` is no TOML.
    """
    text = re.sub(r"(?m)^(\s*)progresive(\s*=)", r"\1progressive\2", text)
    styles = values.get(STYLES, [])
    if origins is not None:
        text = with_style_blocks(text, origins)
    try:
        document = tomlkit.parse(text)
        for key in [key for key in document if key != STYLES and key not in values]:
            del document[key]
        before = document.unwrap()
        for key, value in values.items():
            if key != STYLES:
                _update(document, key, before.get(key), value)
        _update_styles(document, styles)
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ConfigError(f"the file is not valid TOML any more: {error}") from None


def toml_item(value: Any) -> Item:
    """A value to write; a string stands in single quotes where double ones would need its backslashes doubled."""
    if isinstance(value, str) and "\\" in value and "'" not in value and value.isprintable():
        return tomlkit.string(value, literal=True)
    item: Item = tomlkit.item(value)
    return item


def _update(document: Any, key: str, there: Any, value: Any) -> None:
    """A section's keys one by one; anything else as a whole."""
    if isinstance(value, Mapping) and isinstance(there, dict):
        _update_table(document[key], value)
    elif not same_value(there, value) and value != {}:
        document[key] = _table(value) if isinstance(value, Mapping) else toml_item(value)


def _update_table(table: Any, values: Mapping[str, Any]) -> None:
    before = table.unwrap()
    for key in [key for key in before if key not in values]:
        del table[key]
    for key, value in values.items():
        if key in before and not same_value(before[key], value):
            table[key] = toml_item(value)
    _add_keys(table, {key: value for key, value in values.items() if key not in before})


def _add_keys(table: Any, values: Mapping[str, Any]) -> None:
    """Above the comments and blank lines in the table's end, which are meant for the table that follows."""
    body = table.value.body if isinstance(table, Table) else []
    last = next((at for at in reversed(range(len(body))) if body[at][0] is not None), -1)
    tail = body[last + 1 :]
    del body[last + 1 :]
    for key, value in values.items():
        table[key] = toml_item(value)
    body.extend(tail)


def _table(values: Mapping[str, Any]) -> Any:
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, toml_item(value))
    return table


def _update_styles(document: Any, styles: Sequence[Mapping[str, Any]]) -> None:
    there = document.get(STYLES)
    if not isinstance(there, AoT):
        if there is not None and same_value(there.unwrap(), list(styles)):
            return
        # Tables of several lines take the place of what was written on one.
        document.pop(STYLES, None)
        document[STYLES] = tomlkit.aot()
    tables = document[STYLES]
    while len(tables) > len(styles):
        del tables[-1]
    for table, values in zip(tables, styles, strict=False):
        _update_table(table, values)
    for values in styles[len(tables) :]:
        tables.append(_table(values))
