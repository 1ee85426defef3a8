"""Configuration files written: whole or not at all, and never over somebody else's edit. Must not import torch."""

import contextlib
import os
import secrets
from pathlib import Path

from sframes_tui.config.file import MAX_BYTES, read_config_text
from sframes_tui.errors import ChangedOnDiskError, ConfigError, SFramesError


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
