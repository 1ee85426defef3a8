"""New values put into the text of a configuration file, its comments and order kept. Must not import torch."""

import re
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from sframes_tui.errors import ConfigError
from sframes_tui.story.config import Config
from sframes_tui.story.options import SECTIONS


def updated_text(text: str, config: Config) -> str:
    """`text` with the values of `config`, its comments, order and untouched values kept.

    Keys that hold their default and weren't in the file stay out of it. Raises `ConfigError` if `text` is no TOML.
    """
    text = re.sub(r"(?m)^(\s*)progresive(\s*=)", r"\1progressive\2", text)
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"the file is not valid TOML any more: {error}") from None
    for section in ("prompt_config", "generation_config"):
        _update_table(_table(document, section), getattr(config, section).model_dump(exclude_defaults=True))
    _update_styles(document, [style.model_dump() for style in config.style_configs])
    return tomlkit.dumps(document)


def _table(document: tomlkit.TOMLDocument, section: str) -> Any:
    if section not in document:
        document[section] = tomlkit.table()
    return document[section]


def _update_table(table: Any, values: dict[str, Any]) -> None:
    for key in [key for key in table if key not in values]:
        if not _is_default(table, key):
            del table[key]
    for key, value in values.items():
        if key not in table or table.unwrap().get(key) != value:
            table[key] = value


def _is_default(table: Any, key: str) -> bool:
    """A key written out with its default value says what the user wants said: it stays."""
    fields = SECTIONS["generation_config"].model_fields | SECTIONS["prompt_config"].model_fields
    return key in fields and fields[key].default == table.unwrap()[key]


def _update_styles(document: tomlkit.TOMLDocument, styles: list[dict[str, Any]]) -> None:
    tables = document.setdefault("style_configs", tomlkit.aot())
    while len(tables) > len(styles):
        del tables[-1]
    for table, values in zip(tables, styles, strict=False):
        _update_table(table, values)
    for values in styles[len(tables) :]:
        added = tomlkit.table()
        added.update(values)
        tables.append(added)
