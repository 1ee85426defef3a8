"""The original script of 2022 -> a configuration file. Its dict literals are parsed; the script is never run."""

import ast
import codecs
import difflib
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from tomlkit.items import AoT, Table

from sframes_tui.config.config import Config
from sframes_tui.config.edit import toml_item
from sframes_tui.config.options import SECTIONS, describe_kind
from sframes_tui.errors import ConfigError, message_of
from sframes_tui.plain_file import read_plain
from sframes_tui.text.source import NOT_FOR_FILES

MAX_BYTES = 1_000_000

RENAMED = {"progresive": "progressive"}
RUN_TIME_STATE = frozenset(("last_image", "images"))
"""Where the script kept its pictures while it ran."""


@dataclass(slots=True)
class _Script:
    """What was found in the script."""

    tree: ast.Module
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each section's assignment."""
    notes: list[str] = field(default_factory=list)


def convert(script: str) -> tuple[str, tuple[str, ...]]:
    """The TOML text of a configuration that does the script's job, and notes of what was left out.

    Only what the script says is written; what it leaves open keeps this program's default. Raises `ConfigError`,
    naming the line, where the script is no Python, lacks one of the three dicts, or has a value that is not a
    literal or out of bounds.
    """
    found = _Script(_parsed(script))
    sections = {name: _literal(name, node, script) for name, node in _assignments(found).items()}
    config = _translated(found, sections)
    _validated(found, config)
    return _toml(config), tuple(found.notes)


def read_script(path: Path) -> str:
    """A Python file's text, in the encoding that it declares. Raises `ConfigError`."""
    try:
        data = read_plain(path, MAX_BYTES, follow=True)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name in NOT_FOR_FILES:
            raise SyntaxError(f"unknown encoding: {encoding}")
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (OSError, SyntaxError, ValueError, LookupError) as error:
        reason = getattr(error, "strerror", None) or message_of(error)
        raise ConfigError(f"{path}: can't be read as a Python script: {reason}") from None


def _parsed(script: str) -> ast.Module:
    if len(script) > MAX_BYTES:
        raise ConfigError(f"the script has more than {MAX_BYTES:,} characters: it is not the original script")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the script writes '\d' in plain strings
            return ast.parse(script)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise ConfigError(f"{where}the script is not Python: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ConfigError("the script is nested too deeply to be read") from None
    except ValueError as error:
        raise ConfigError(f"the script is not Python: {error}") from None


def _assignments(found: _Script) -> dict[str, ast.expr]:
    """The expression last assigned to each section's name at the top level, as Python would have it."""
    values: dict[str, ast.expr] = {}
    for statement in found.tree.body:
        for name, value in _assigned(statement):
            if name in values:
                found.notes.append(f"line {statement.lineno}: {name} is written again; the last one counts")
            values[name] = value
            found.lines[name] = statement.lineno
    found.notes += _later_changes(found.tree)
    if missing := [name for name in SECTIONS if name not in values]:
        raise ConfigError(*(f"the script has no {name} = … at its top level" for name in missing))
    return {name: values[name] for name in SECTIONS}


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets, value = [statement.target], statement.value
    else:
        return
    for target in targets:
        if isinstance(target, ast.Name) and target.id in SECTIONS:
            yield target.id, value


def _later_changes(tree: ast.Module) -> Iterator[str]:
    """Statements such as `prompt_config['key'] = …`, which only running the script could follow."""
    for statement in tree.body:
        if isinstance(statement, ast.AugAssign | ast.Expr) and (name := _touched(statement)):
            yield f"line {statement.lineno}: the change to {name} is not followed, since the script is not run"
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            root = target
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            if root is not target and isinstance(root, ast.Name) and root.id in SECTIONS:
                yield f"line {statement.lineno}: the change to {root.id} is not followed, since the script is not run"


def _touched(statement: ast.AugAssign | ast.Expr) -> str | None:
    """The section that `name += …` or `name.method(…)` changes."""
    if isinstance(statement, ast.AugAssign):
        changed: ast.AST = statement.target
    elif isinstance(statement.value, ast.Call) and isinstance(statement.value.func, ast.Attribute):
        changed = statement.value.func.value
    else:
        return None
    while isinstance(changed, ast.Subscript | ast.Attribute):
        changed = changed.value
    return changed.id if isinstance(changed, ast.Name) and changed.id in SECTIONS else None


def _literal(name: str, node: ast.expr, script: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        culprit = _not_literal(node)
        source = " ".join((ast.get_source_segment(script, culprit) or "").split())
        source = source if len(source) <= 60 else source[:59] + "…"
        raise ConfigError(
            f"line {culprit.lineno}: {name} must be plain values, since the script is not run, but it has {source}"
        ) from None


def _not_literal(node: ast.expr) -> ast.expr:
    """The innermost dict entry or list element that is not a literal."""
    while True:
        inner = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        keys = [key for key in node.keys if key is not None] if isinstance(node, ast.Dict) else []
        culprit = next((child for child in (*keys, *inner) if not _is_literal(child)), None)
        if culprit is None:
            return node
        node = culprit


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _translated(found: _Script, sections: dict[str, Any]) -> dict[str, Any]:
    styles = sections["style_configs"]
    if not isinstance(styles, list | tuple):
        raise ConfigError(f"line {found.lines['style_configs']}: style_configs must be a list of dicts")
    config: dict[str, Any] = {
        name: _table(found, name, name, sections[name]) for name in ("prompt_config", "generation_config")
    }
    config["style_configs"] = [
        _table(found, "style_configs", f"style_configs.{at}", style) for at, style in enumerate(styles)
    ]
    _add_model(found, config["generation_config"])
    return config


def _table(found: _Script, section: str, where: str, values: object) -> dict[str, Any]:
    """A section's values under this program's keys, without what is None, state of the old run, or unknown."""
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"line {found.lines[section]}: {where} must be a dict whose keys are strings")
    known = list(SECTIONS[section].model_fields)
    table: dict[str, Any] = {}
    for written, value in values.items():
        key = RENAMED.get(written, str(written))
        if written in RUN_TIME_STATE and section == "style_configs":
            _note_once(found, f"{written} held pictures while the script ran and is left out")
        elif key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"; did it mean {nearest[0]}?" if nearest else ""
            _note_once(found, f"{where}.{written} means nothing to this program and is left out{hint}")
        elif key in table:
            raise ConfigError(f"line {found.lines[section]}: {where} has both progresive and progressive; keep one")
        elif value is not None:
            table[key] = value
    return table


def _note_once(found: _Script, text: str) -> None:
    if text not in found.notes:
        found.notes.append(text)


def _add_model(found: _Script, generation: dict[str, Any]) -> None:
    """The model that the script's code names; the script had no key for it."""
    named = dict.fromkeys(
        node.value.value
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and any(isinstance(target, ast.Name) and target.id == "model_id" for target in node.targets)
    )
    if "model" in generation:
        return
    if len(named) == 1:
        generation["model"] = next(iter(named))
        found.notes.append(f"model is what the script's code names as model_id: {generation['model']!r}")
    elif named:
        found.notes.append(f"the script names several models ({', '.join(map(repr, named))}); set model to one of them")


def _validated(found: _Script, config: dict[str, Any]) -> None:
    try:
        Config.model_validate(config)
    except ValidationError as error:
        told: dict[tuple[int | str, ...], str] = {}
        for fault in error.errors(include_url=False):
            place = fault["loc"][: 3 if fault["loc"][0] == "style_configs" else 2]
            told.setdefault(place, _sentence(found, place, fault))
        raise ConfigError(*told.values()) from None


def _sentence(found: _Script, place: tuple[int | str, ...], fault: ErrorDetails) -> str:
    section, key = str(place[0]), str(place[-1])
    where = f"line {found.lines[section]}: {'.'.join(map(str, place))}"
    if fault["type"] == "missing":
        return f"{where} is missing"
    if fault["type"] == "value_error":
        return f"{where}: {fault['ctx']['error']}"
    kind = SECTIONS[section].model_fields.get(key)
    allowed = describe_kind(kind) if kind else "a list with at least one style"
    return f"{where} must be {allowed}, not {_shortened(fault['input'])}"


def _shortened(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "so large a number"
    return shown if len(shown) <= 80 else shown[:79] + "…"


def _toml(config: dict[str, Any]) -> str:
    document = tomlkit.document()
    for name in ("prompt_config", "generation_config"):
        document.add(name, _toml_table(config[name]))
    document.add("style_configs", AoT([_toml_table(style) for style in config["style_configs"]]))
    return tomlkit.dumps(document)


def _toml_table(values: dict[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, toml_item(value))
    return table
