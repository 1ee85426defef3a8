"""Configuration files read and validated, all faults at once. Must not import torch or textual."""

import difflib
import re
import stat
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sframes_tui.config.address import without_password
from sframes_tui.config.config import Config
from sframes_tui.config.options import SECTIONS, describe_kind
from sframes_tui.errors import ConfigError, Note
from sframes_tui.plain_file import read_plain

MAX_BYTES = 200_000
MAX_DOTS = 100
"""Of one key; the TOML parser's time grows with their square."""
MAX_TABLES = 2_000
"""Headers of tables; the time of the library that writes TOML grows with their square."""
MAX_DEPTH = 100
"""Of tables and arrays within each other: what walks through them does so by recursion."""
QUOTED = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)
"""A string or comment, up to where a text stops being TOML."""
LISTED_FAULTS = 20
RUN_TIME_KEYS = ("last_image", "images")
"""State that the original script kept in its style dicts."""

Override = tuple[str, Any]
"""A dotted path and the value put there, as `--set` gives them."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid configuration and where it came from."""

    config: Config
    path: Path
    notes: tuple[Note, ...] = ()
    """What was read but has no effect."""

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent


def load_config(path: Path, overrides: Sequence[Override] = (), follow: bool = True) -> LoadedConfig:
    """Reads and validates `path`, with `overrides` put over it; links are followed unless it may be a stranger's.

    Raises `ConfigError` with one sentence for every fault found.
    """
    text = read_config_text(path, follow)
    return parse_config(text, path, overrides)


def parse_config(text: str, path: Path, overrides: Sequence[Override] = ()) -> LoadedConfig:
    """As `load_config`, of a text; `path` is what faults are reported against."""
    values, notes = read_values(text, path)
    for dotted, value in overrides:
        put_override(values, dotted, value)
    try:
        return LoadedConfig(Config.model_validate(values), path, notes)
    except ValidationError as error:
        overridden = {dotted for dotted, _ in overrides}
        raise ConfigError(*_sentences(error, text, path, overridden)) from None


def read_values(text: str, path: Path) -> tuple[dict[str, Any], tuple[Note, ...]]:
    """A text's values as TOML gives them, under today's keys, and what was dropped; `ConfigError` if it's no TOML."""
    values = _parse_toml(text, path)
    notes = tuple(_drop_run_time_state(values))
    _accept_old_spelling(values, path)
    return values, notes


def read_config_text(path: Path, follow: bool = True) -> str:
    """The file's text; `ConfigError` where it is missing, too large, not a plain file or not UTF-8."""
    try:
        status = path.stat(follow_symlinks=follow)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: not a file; give the path of a .toml file")
        if status.st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES // 1000} kB, so it is no configuration file")
        return read_plain(path, MAX_BYTES, follow=follow).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; TOML files are, so save it as UTF-8") from None
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None


def parse_override(argument: str) -> Override:
    """`SECTION.KEY=VALUE` of the command line, its value read as TOML; raises `ConfigError`."""
    dotted, equals, value = argument.partition("=")
    argument = without_password(argument)
    if not equals or not dotted.strip():
        raise ConfigError(f"--set {argument}: write it as SECTION.KEY=VALUE, such as generation_config.seed=7")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")
        _require_modest(parsed)
    except (ValueError, RecursionError):
        parsed = {}
    if parsed.keys() != {"value"}:
        raise ConfigError(f"--set {argument}: the value is not TOML; text needs quotes: --set '{dotted}=\"...\"'")
    return dotted.strip(), parsed["value"]


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    bare = QUOTED.sub("", text)
    if max(line.count(".") for line in bare.split("\n")) > MAX_DOTS:
        raise ConfigError(f"{path}: not valid TOML: a key of more than {MAX_DOTS} parts")
    if len(re.findall(r"(?m)^[ \t]*\[", bare)) > MAX_TABLES:
        raise ConfigError(f"{path}: more than {MAX_TABLES:,} tables, so it is no configuration file")
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
        _require_modest(values)
        return values
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        # Not only TOMLDecodeError: whole numbers of thousands of digits are refused by Python itself.
        raise ConfigError(f"{path}: not valid TOML: {_plain(str(error))}") from None


def _require_modest(values: dict[str, Any]) -> None:
    """Raises `ValueError` for what TOML's own words leave to its reader: depth, and whole numbers beyond 64 bits."""
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        if any(isinstance(each, int) and abs(each) >= 2**63 for each in level):
            raise ValueError("A whole number of more than 64 bits")
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError("Nested too deeply")


def _plain(message: str) -> str:
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]


def _drop_run_time_state(values: dict[str, Any]) -> Iterator[Note]:
    styles = values.get("style_configs")
    for style in styles if isinstance(styles, list) else []:
        for key in RUN_TIME_KEYS:
            if isinstance(style, dict) and style.pop(key, None) is not None:
                yield Note("info", f"style_configs: {key} is ignored, since the program keeps it by itself")


def _accept_old_spelling(values: dict[str, Any], path: Path) -> None:
    section = values.get("generation_config")
    if isinstance(section, dict) and "progresive" in section:
        if "progressive" in section:
            raise ConfigError(f"{path}: generation_config has both progressive and progresive; keep the first")
        section["progressive"] = section.pop("progresive")


def put_override(values: dict[str, Any], dotted: str, value: Any) -> None:
    """Puts a value into `values`; `ConfigError` where there is no such place."""
    *parents, last = dotted.split(".")
    target: Any = values
    for part in parents:
        target = _descend(target, part, dotted)
    if isinstance(target, list):
        _check_index(target, last, dotted)
        target[int(last)] = value
    elif isinstance(target, dict):
        target["progressive" if last == "progresive" else last] = value
    else:
        raise ConfigError(f"--set {dotted}: there is nothing of that name to set")


def _descend(target: Any, part: str, dotted: str) -> Any:
    if isinstance(target, list):
        return target[_check_index(target, part, dotted)]
    if isinstance(target, dict):
        return target.setdefault(part, {})
    raise ConfigError(f"--set {dotted}: there is nothing of that name to set")


def _check_index(target: list[Any], part: str, dotted: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", part) or int(part) >= len(target):
        raise ConfigError(f"--set {dotted}: {part!r} is no style's number; there are {len(target)}, counted from 0")
    return int(part)


def _sentences(error: ValidationError, text: str, path: Path, overridden: set[str]) -> list[str]:
    """One sentence a fault; a union's several faults of one key are told once."""
    told: dict[str, str] = {}
    for dotted, reason in fault_reasons(error, LISTED_FAULTS).items():
        if any(dotted == each or dotted.startswith(f"{each}.") for each in overridden):
            where = f"--set {dotted}"
        else:
            line = line_of(text, dotted)
            where = f"{path}, line {line}: {dotted}" if line else f"{path}: {dotted}"
        told[dotted] = f"{where}: {reason}"
    unlisted = len({_key_path(fault) for fault in error.errors(include_url=False)}) - LISTED_FAULTS
    more = [f"{path}: and {unlisted} more faults"] if unlisted > 0 else []
    return [*told.values(), *more]


def fault_reasons(error: ValidationError, most: int | None = None) -> dict[str, str]:
    """What is wrong, by the dotted path of the option, such as `style_configs.0.weight`; of `most` options at most."""
    faults = {
        ".".join(str(part) for part in _key_path(fault)): fault for fault in error.errors(include_url=False)[::-1]
    }
    return {dotted: _reason(fault) for dotted, fault in list(faults.items())[::-1][:most]}


def _key_path(fault: ErrorDetails) -> tuple[int | str, ...]:
    """The fault's place without the names pydantic gives to the members of a union."""
    depth = 3 if fault["loc"][:1] == ("style_configs",) else 2
    return fault["loc"][:depth]


def _reason(fault: ErrorDetails) -> str:
    path = _key_path(fault)
    section = SECTIONS.get(str(path[0]))
    if fault["type"] == "extra_forbidden":
        return _unknown_key(path)
    if fault["type"] == "missing":
        return "is missing" + ("; add at least one [[style_configs]]" if path == ("style_configs",) else "")
    if path == ("style_configs",) and fault["type"] == "too_short":
        return "at least one style is needed"
    field = section.model_fields.get(str(path[-1])) if section and len(path) > 1 else None
    message = str(fault.get("ctx", {}).get("error") or fault["msg"])
    allowed = f"; allowed: {describe_kind(field)}" if field and fault["type"] != "value_error" else ""
    return _plain(message) + allowed


ELSEWHERE = {
    "sampler": "generation_config.scheduler",
    "sampler_name": "generation_config.scheduler",
    "sampling_method": "generation_config.scheduler",
    "schedule_type": "generation_config.sigmas",
    "steps": "generation_config.num_inference_steps",
    "sampling_steps": "generation_config.num_inference_steps",
    "ddim_steps": "generation_config.num_inference_steps",
    "cfg": "generation_config.guidance_scale",
    "cfg_scale": "generation_config.guidance_scale",
    "scale": "generation_config.guidance_scale",
    "cfg_rescale": "generation_config.guidance_rescale",
    "ddim_eta": "generation_config.eta",
    "negative": "generation_config.negative_prompt",
    "uc": "generation_config.negative_prompt",
    "w": "generation_config.width",
    "h": "generation_config.height",
    "n_iter": "generation_config.variants",
    "batch_count": "generation_config.variants",
    "ckpt": "generation_config.model",
    "checkpoint": "generation_config.model",
    "sd_model_checkpoint": "generation_config.model",
    "precision": "generation_config.dtype",
    "strength": "style_configs.weight",
    "denoise": "style_configs.weight",
    "denoising_strength": "style_configs.weight",
    "init_strength": "style_configs.weight",
}
"""Keys of other programs, and the option that is the same here."""

NOWHERE = {
    "clip_skip": "the text encoder is read where the model's makers read it",
    "hires_fix": "pictures are drawn at their size at once",
    "enable_hr": "pictures are drawn at their size at once",
    "restore_faces": "pictures stay as the model draws them",
    "vae": "the model's own VAE is used",
    "lora": "the model is used as it is",
    "loras": "the model is used as it is",
    "s_churn": "schedulers run without churn",
    "refiner": "one model draws a picture from its first step to its last",
}
"""Keys of other programs for what can't be had here, and what is done instead."""


def _unknown_key(path: tuple[int | str, ...]) -> str:
    key = str(path[-1]).casefold().replace("-", "_").replace(" ", "_")
    if len(path) > 1 and key in ELSEWHERE:
        table, _, option = ELSEWHERE[key].rpartition(".")
        return f"unknown key; it is called {option} here" + (f", in {table}" if table != path[0] else "")
    if len(path) > 1 and key in NOWHERE:
        return f"there is no such option: {NOWHERE[key]}"
    if len(path) == 1:
        known = list(SECTIONS)
    else:
        section = SECTIONS.get(str(path[0]))
        known = list(section.model_fields) if section else []
    nearest = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.4)
    return f"unknown key; did you mean {nearest[0]}?" if nearest else f"unknown key; known are {', '.join(known)}"


def line_of(text: str, dotted: str) -> int | None:
    """The line on which a key of a configuration stands, counted from 1; the header's if the key is missing."""
    section, *rest = dotted.split(".")
    wanted_table = int(rest[0]) if rest and rest[0].isdecimal() else 0
    key = rest[-1] if rest and not rest[-1].isdecimal() else None
    header = re.compile(rf"\s*\[\[?\s*[\"']?{re.escape(section)}[\"']?\s*\]\]?")
    table, header_line = -1, None
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            table = table + 1 if header.match(line) else (table if table < wanted_table else wanted_table + 1)
            header_line = number if header.match(line) and table == wanted_table else header_line
        elif key and table == wanted_table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return header_line
