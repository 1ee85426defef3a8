"""The declared options as data, and as help, README tables and file comments."""

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tomli_w
from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sframes_tui.config.config import GenerationConfig, PromptConfig, StyleConfig
from sframes_tui.config.option_types import Entered

SECTIONS: dict[str, type[BaseModel]] = {
    "prompt_config": PromptConfig,
    "generation_config": GenerationConfig,
    "style_configs": StyleConfig,
}

Control = Literal[
    "switch",
    "whole number",
    "number",
    "choice",
    "text",
    "long text",
    "path",
    "regex",
    "model",
    "seed",
    "pixels",
    "command",
    "list",
]
"""What a form shows for an option."""

GROUPS = {
    "prompt_config.source": "Story",
    "generation_config.model": "Model and steps",
    "generation_config.progressive": "Chains",
    "generation_config.save_individual": "Output and preview",
    "generation_config.engine": "Speed and memory",
    "style_configs.style": "Styles",
}
"""The option that begins each group of a form; a group goes on to the next one's first option."""


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
    control: Control
    group: str
    preset: Any
    """The default as a value; None where there is none."""
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    """The only values of a choice."""
    suggestions: tuple[str, ...]
    """Values worth offering where others may be entered too."""
    truth_too: bool
    """A text that may also be true or false."""

    @property
    def path(self) -> str:
        return f"{self.section}.{self.key}"


def options() -> Iterator[Option]:
    """Every option in the order of its declaration."""
    group = ""
    for section, model in SECTIONS.items():
        for key, field in model.model_fields.items():
            group = GROUPS.get(f"{section}.{key}", group)
            yield _option(section, key, group, field)


def _option(section: str, key: str, group: str, field: FieldInfo) -> Option:
    marks = list(_marks(field.annotation, field.metadata))
    types_ = [mark for mark in marks if isinstance(mark, type)]
    entered = next((mark for mark in marks if isinstance(mark, Entered)), None)
    low, high = _bounds(marks)
    choices = tuple(str(mark) for mark in marks if isinstance(mark, str))
    return Option(
        section=section,
        key=key,
        kind=describe_kind(field),
        default=_default(field),
        help=inspect.cleandoc(field.description or ""),
        control=_control(entered, types_, bool(choices)),
        group=group,
        preset=None if field.default is PydanticUndefined else field.default,
        low=low,
        high=high,
        choices=choices,
        suggestions=entered.suggestions if entered else (),
        truth_too=bool in types_ and str in types_,
    )


def _control(entered: Entered | None, types_: list[type], choice: bool) -> Control:
    if list in types_:
        return "list"
    if entered:
        return entered.control
    if choice:
        return "choice"
    if str in types_:
        return "text"
    plain: dict[type, Control] = {bool: "switch", int: "whole number", float: "number"}
    return next((plain[each] for each in types_ if each in plain), "text")


def _marks(annotation: Any, metadata: list[Any]) -> Iterator[Any]:
    """The plain types within an annotation, the values of its literals, and everything annotated, at any depth."""
    origin = get_origin(annotation)
    yield from (inner for item in metadata for inner in (item.metadata if isinstance(item, FieldInfo) else [item]))
    if origin is Literal:
        yield from get_args(annotation)
    elif origin is Annotated:
        inner, *extra = get_args(annotation)
        yield from _marks(inner, extra)
    elif origin is None:
        yield annotation
    else:
        yield origin
        for part in get_args(annotation):
            yield from _marks(part, [])


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
