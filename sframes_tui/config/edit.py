"""New values put into the text of a configuration file, its comments and order kept.

Style tables are moved about as text, before any library reads it: tomlkit keeps the comment above a `[[style_configs]]`
as the end of the table before it, and people mean it for the table below.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item, Table

from sframes_tui.config.parse import QUOTED
from sframes_tui.config.values import STYLES, same_value
from sframes_tui.errors import ConfigError

_STYLE = re.compile(r"\s*\[\[\s*[\"']?style_configs[\"']?\s*\]\]")
_HEADER = re.compile(r"\s*\[\[?[^\[\]=,]+\]\]?\s*(#.*)?$")


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


def with_style_blocks(text: str, origins: Sequence[int | None]) -> str:
    """`text` with its n-th style table replaced by the one that was number `origins[n]`; None is an empty new one.

    A table's block is its lines and the comment right above it. The text comes back as it is where nothing moves, or
    where its styles are not written as `[[style_configs]]` tables.
    """
    pieces, numbers = _cut(text)
    count = sum(number is not None for number in numbers)
    if list(origins) == list(range(count)) or any(origin is not None and origin >= count for origin in origins):
        return text
    blocks = [piece.rstrip() for piece, number in zip(pieces, numbers, strict=True) if number is not None]
    ordered = ["[[style_configs]]" if origin is None else blocks[origin] for origin in origins]
    return _filled(pieces, numbers, ordered)


def _filled(pieces: list[str], numbers: list[int | None], ordered: list[str]) -> str:
    """The blocks in the places of the old ones, each place with the blank lines it had; the rest behind the last."""
    places = [at for at, number in enumerate(numbers) if number is not None]
    blank = {at: pieces[at][len(pieces[at].rstrip()) :] or "\n" for at in places}
    end = blank[places[-1]] if places else ""
    filled = list(pieces)
    for number, at in enumerate(places):
        filled[at] = ordered[number] + blank[at] if number < len(ordered) else ""
    more = "\n\n".join(ordered[len(places) :])
    if more:
        last = places[-1] if places else len(filled) - 1
        before = filled[last].rstrip()
        filled[last] = f"{before}\n\n{more}{end or chr(10)}" if before else f"{more}\n"
    elif places and 0 < len(ordered) < len(places):
        filled[places[len(ordered) - 1]] = ordered[-1] + end
    return "".join(filled)


def _cut(text: str) -> tuple[list[str], list[int | None]]:
    """The text in pieces that begin at a style's block or behind it, and each piece's style number, if it is one."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    bare = re.findall(r"[^\n]*\n|[^\n]+", QUOTED.sub(_masked, text))
    starts = {
        _first_comment(bare, at): _STYLE.match(lines[at]) is not None
        for at, line in enumerate(bare)
        if _HEADER.match(line)
    }
    cuts = [0, *(at for at in sorted(starts) if at), len(lines)]
    pieces, numbers, number = [], [], 0
    for start, stop in pairwise(cuts):
        is_style = starts.get(start, False)
        pieces.append("".join(lines[start:stop]))
        numbers.append(number if is_style else None)
        number += is_style
    return pieces, numbers


def _masked(match: re.Match[str]) -> str:
    """What is quoted may look like a header or a comment."""
    return match[0] if match[0].startswith("#") else re.sub(r"[^\n]", "s", match[0])


def _first_comment(bare: list[str], header: int) -> int:
    while header and bare[header - 1].lstrip().startswith("#"):
        header -= 1
    return header
