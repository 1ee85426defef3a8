"""Configuration files read, all faults at once, and written: whole or not at all, never over somebody else's edit."""

import contextlib
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sframes_tui.config.address import without_password
from sframes_tui.config.config import Config
from sframes_tui.config.faults import sentences
from sframes_tui.config.parse import read_values, require_modest
from sframes_tui.errors import ChangedOnDiskError, ConfigError, Note, SFramesError
from sframes_tui.plain_file import read_plain

MAX_BYTES = 200_000

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
        raise ConfigError(*sentences(error, text, path, overridden)) from None


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


def write_config(path: Path, text: str, expected: str | None, overwrite: bool = False) -> None:
    """Puts `text` into the file at `path`, which keeps its permissions; a link goes on pointing to it.

    A link that leads out of its folder is not followed: a stranger's could lead to any file of the user's.
    `expected` is what the file must still hold, None for a file that isn't there yet. Raises `ChangedOnDiskError` where
    it holds something else and isn't to be overwritten, and `ConfigError` where it can't be written.
    """
    try:
        target = path.resolve()
        if target.is_dir():
            raise ConfigError(f"{path}: can't be saved: it is a folder; choose another name")
        if path.is_symlink() and target.parent != path.parent.resolve():
            raise ConfigError(
                f"{path}: can't be saved: it is a link to {target}; open that, or save under another name"
            )
        if not overwrite and target.exists() and _text_of(path) != expected:
            what = "exists already" if expected is None else "was changed by another program meanwhile"
            raise ChangedOnDiskError(f"{path}: {what}; overwrite it, or save under another name")
        content = text.encode("utf-8")
        if len(content) > MAX_BYTES:
            raise ConfigError(f"{path}: can't be saved: larger than {MAX_BYTES // 1000} kB; shorten its texts")
        _replace(target, content)
    except UnicodeEncodeError:
        raise ConfigError(f"{path}: can't be saved: a value holds a character that is no text; remove it") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: can't be saved: {reason}; save under another name") from None


def _text_of(path: Path) -> str | None:
    try:
        return read_config_text(path)
    except SFramesError:
        return None


def _replace(target: Path, content: bytes) -> None:
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.tmp"
    # What is new gets the permissions that the user's mask leaves: the system applies it.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if target.exists():
                os.fchmod(handle, target.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(handle)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def parse_override(argument: str) -> Override:
    """`SECTION.KEY=VALUE` of the command line, its value read as TOML; raises `ConfigError`."""
    dotted, equals, value = argument.partition("=")
    argument = without_password(argument)
    if not equals or not dotted.strip():
        raise ConfigError(f"--set {argument}: write it as SECTION.KEY=VALUE, such as generation_config.seed=7")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")
        require_modest(parsed)
    except (ValueError, RecursionError):
        parsed = {}
    if parsed.keys() != {"value"}:
        raise ConfigError(f"--set {argument}: the value is not TOML; text needs quotes: --set '{dotted}=\"...\"'")
    return dotted.strip(), parsed["value"]


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
