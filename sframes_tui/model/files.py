"""A model's files, which may come from a stranger: which of them are read, and how much of them.

A link could lead to any file of this machine, so none is followed but those that the hub's cache is made of.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sframes_tui.errors import ModelError
from sframes_tui.plain_file import read_plain

JSON_LIMIT = 10_000_000
"""Bytes of a configuration."""
TEXT_LIMIT = 40_000_000
"""Bytes of anything that the libraries read whole: the largest known vocabulary, Gemma 3's, has 33 million."""
READ_WHOLE = (".json", ".txt", ".model", ".jinja", ".md")
MAX_FILES = 20_000
MAX_DEPTH = 12

CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")


def read_model_file(path: Path, most: int) -> bytes:
    """What one of a model's files holds. Raises `OSError` for more than `most` bytes, for no plain file, for a link."""
    file = blob(path)
    if file is None:
        raise OSError(errno.ELOOP, "it is a link, which could lead elsewhere; put the file itself there", str(path))
    return read_plain(file, most)


def blob(path: Path) -> Path | None:
    """The file itself: what a snapshot in the hub's cache links to lies beside it in `blobs`. None for other links."""
    if not path.is_symlink():
        return path
    for folder in path.absolute().parents:
        if folder.parent.name == "snapshots":
            blobs, target = folder.parent.parent / "blobs", Path(os.path.realpath(path))
            return target if target.parent == Path(os.path.realpath(blobs)) and not blobs.is_symlink() else None
    return None


def read_json(path: Path, model: str) -> dict[str, object]:
    """One of a model's json files. Raises `ModelError` unless it holds an object and is of a reasonable size."""
    content = parsed(path, model, JSON_LIMIT)
    if not isinstance(content, dict):
        raise ModelError(f"model {model!r}: {path.name} holds no JSON object")
    return content


def parsed(path: Path, model: str, most: int) -> object:
    """What a json file of at most `most` bytes holds. Raises `ModelError`."""
    try:
        content: object = json.loads(read_model_file(path, most))
    except OSError as error:
        raise ModelError(f"model {model!r}: {path.name} can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"model {model!r}: {path.name} can't be read: {error}") from None
    return content


def check_files(folder: Path, model: str) -> None:
    """Raises `ModelError` for code, links, special files, and more than the libraries should be given to read."""
    for number, entry in enumerate(_entries(folder, folder, model)):
        path = Path(entry.path)
        name = path.relative_to(folder)
        if number == MAX_FILES:
            raise ModelError(f"model {model!r}: it has more than {MAX_FILES:,} files; no model has so many")
        if path.suffix.lower() in CODE:
            raise ModelError(
                f"model {model!r}: it holds code ({name}), which is never run; take the file away if the model works "
                "without it"
            )
        if not entry.is_dir(follow_symlinks=False):
            _check_file(path, f"model {model!r}: {name}")


def _check_file(path: Path, what: str) -> None:
    file = blob(path)
    if file is None:
        raise ModelError(f"{what} is a link, which could lead elsewhere; put the file itself there")
    status = file.lstat() if file.exists() else None
    if status is None or not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{what} is not a plain file")
    if status.st_size > TEXT_LIMIT and path.suffix.lower() in READ_WHOLE:
        raise ModelError(f"{what} has {status.st_size:,} bytes, more than any such file of a model")


def _entries(folder: Path, place: Path, model: str) -> Iterator["os.DirEntry[str]"]:
    """Whatever lies in `place`, a folder below `folder`, at any depth."""
    if len(place.parts) - len(folder.parts) > MAX_DEPTH:
        raise ModelError(f"model {model!r}: {place.relative_to(folder)} lies in too many folders")
    with os.scandir(place) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(folder, Path(entry.path), model)
