"""Configuration files written: whole or not at all, and never over somebody else's edit. Must not import torch."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from sframes_tui.errors import ChangedOnDiskError, ConfigError, SFramesError
from sframes_tui.story.config_file import MAX_BYTES, read_config_text


def write_config(path: Path, text: str, expected: str | None, overwrite: bool = False) -> None:
    """Puts `text` into the file at `path`, which keeps its permissions; a link goes on pointing to it.

    `expected` is what the file must still hold, None for a file that isn't there yet. Raises `ChangedOnDiskError` where
    it holds something else and isn't to be overwritten, and `ConfigError` where it can't be written.
    """
    try:
        target = path.resolve()
        if target.is_dir():
            raise ConfigError(f"{path}: can't be saved: it is a folder; choose another name")
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
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
