"""The declared options as data, and as help, README tables and file comments. Must not import torch or textual."""

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import tomli_w
from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sframes_tui.story.config import GenerationConfig, PromptConfig, StyleConfig

SECTIONS: dict[str, type[BaseModel]] = {
    "prompt_config": PromptConfig,
    "generation_config": GenerationConfig,
    "style_configs": StyleConfig,
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as its declaration in `config.py` says."""

    section: str
    key: str
    kind: str
    """What is allowed, in words: "number from 0 to 1", "true or false", "one of ..."."""
    default: str
    """As TOML; "required" or "absent" where there is none."""
    help: str

    @property
    def path(self) -> str:
        return f"{self.section}.{self.key}"


def options() -> Iterator[Option]:
    """Every option in the order of its declaration."""
    for section, model in SECTIONS.items():
        for key, field in model.model_fields.items():
            yield Option(section, key, describe_kind(field), _default(field), inspect.cleandoc(field.description or ""))


def describe_kind(field: FieldInfo) -> str:
    """What a field accepts, in words."""
    return _kind(field.annotation, field.metadata)


def _kind(annotation: Any, metadata: list[Any]) -> str:
    """The parts of a union one by one; bounds may sit beside the type or within its `Annotated`."""
    origin = get_origin(annotation)
    if origin in (types.UnionType, Union):
        parts = [_kind(part, metadata) for part in get_args(annotation) if part is not types.NoneType]
        return " or ".join(dict.fromkeys(parts))
    if origin is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(annotation))
    if origin is list:
        return f"list of {_kind(get_args(annotation)[0], [])}"
    if origin is not None:
        inner, *extra = get_args(annotation)
        return _kind(inner, [*extra, *metadata])
    return _plain_kind(annotation, metadata)


def _plain_kind(annotation: Any, metadata: list[Any]) -> str:
    if annotation is bool:
        return "true or false"
    if annotation is str:
        return "text"
    noun = "whole number" if annotation is int else "number"
    low, high = _bounds(metadata)
    return noun if low is None and high is None else f"{noun} from {low} to {high}"


def _bounds(metadata: list[Any]) -> tuple[Any, Any]:
    flat = [inner for item in metadata for inner in (item.metadata if isinstance(item, FieldInfo) else [item])]
    low = next((item.ge for item in flat if isinstance(item, Ge)), None)
    high = next((item.le for item in flat if isinstance(item, Le)), None)
    return low, high


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "absent" if field.default is None else as_toml(field.default)


def as_toml(value: Any) -> str:
    """A value as it stands in a TOML file behind the equals sign."""
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def help_text() -> str:
    """All options for `--help`, one paragraph each."""
    lines = []
    for option in options():
        lines += [f"  {option.path}", f"      {flat(option.help)}", f"      ({option.kind}; {option.default})"]
    return "\n".join(lines)


def readme_tables() -> str:
    """All options as Markdown, one table for each section."""
    parts = []
    for section, model in SECTIONS.items():
        heading = f"[[{section}]]" if section == "style_configs" else f"[{section}]"
        rows = [_row(option) for option in options() if option.section == section]
        about = (model.__doc__ or "").strip()
        parts += [f"### `{heading}`", "", about, "", "| key | value | default | |", "|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def _row(option: Option) -> str:
    default = option.default if option.default in ("required", "absent") else f"`{option.default}`"
    return f"| `{option.key}` | {option.kind} | {default} | {flat(option.help).replace('|', '&#124;')} |"


def flat(text: str) -> str:
    """A help text on one line."""
    return " ".join(text.split())
