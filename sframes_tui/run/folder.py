"""The run folder: what it and its files are called, and how a file gets there whole. Must not import torch."""

import contextlib
import glob
import os
import secrets
import socket
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock, Timeout

from sframes_tui.errors import FolderInUseError, UsageError
from sframes_tui.printable import one_line
from sframes_tui.run.disk import RESERVE_BYTES, Patience, is_full
from sframes_tui.run.plain_folder import read_plain
from sframes_tui.story.names import safe_name
from sframes_tui.story.plan import Frame, Plan

HIDDEN = ".sframes"
MAX_TAGS_BYTES = 200
LOCK_SECONDS = 0.5


def folder_name(plan: Plan, started: datetime) -> Path:
    """`<key>/<progressive|independent>/<tags>/<date time>`, every part safe."""
    mode = "progressive" if plan.config.generation_config.progressive else "independent"
    tags = safe_name(" ".join(plan.tags), MAX_TAGS_BYTES)
    return Path(safe_name(plan.story.key), mode, tags, started.strftime("%Y-%m-%d %H.%M.%S"))


@dataclass(frozen=True)
class Layout:
    """Where the files of one plan's run lie in its folder; looks at nothing on the disk."""

    path: Path
    plan: Plan

    def picture(self, frame: Frame) -> Path:
        """Where a frame's picture is saved: hidden away if only grids are wanted."""
        return self.path / self.picture_file(frame)

    def picture_file(self, frame: Frame) -> str:
        """The same, as the journal names it: in the run folder, parts joined by slashes."""
        visible = self.plan.config.generation_config.save_individual
        place = self._place(frame.variant) if visible else f"{HIDDEN}/pictures/{self._place(frame.variant)}"
        return f"{place}{self.plan.name(frame)}.png"

    def grid(self, variant: int, style: int, chapter: int) -> Path:
        return self.path / self.grid_file(variant, style, chapter)

    def grid_file(self, variant: int, style: int, chapter: int) -> str:
        return f"{self._place(variant)}{self.plan.tags[style]} grid-{chapter}.png"

    def take(self, file: str, take: int) -> Path:
        """Where a take of a picture is kept once another one counts."""
        return self.path / HIDDEN / "takes" / f"{file.removeprefix(HIDDEN + '/').removesuffix('.png')} take-{take}.png"

    def orphan(self, file: str) -> Path:
        """Where a picture is put aside that the plan has no use for."""
        return self.path / HIDDEN / "orphans" / file.removeprefix(HIDDEN + "/")

    def orphans(self, file: str) -> list[Path]:
        """All pictures of this name that were put aside; `takes.put_aside` numbers them."""
        first = self.orphan(file)
        return sorted(first.parent.glob(f"{glob.escape(first.stem)}*.png"))

    def _place(self, variant: int) -> str:
        """Variants have folders of their own, unless there is only one."""
        return f"variant-{variant}/" if self.plan.config.generation_config.variants > 1 else ""


@dataclass(frozen=True)
class RunFolder(Layout):
    """A run folder that this process has locked; made by `create` or `open`."""

    lock: FileLock
    patience: Patience = field(default_factory=Patience)
    """What is done where the disk takes no more."""

    @classmethod
    def create(cls, root: Path, plan: Plan, started: datetime) -> "RunFolder":
        """Makes a folder that no other run has, and locks it.

        Raises `UsageError` where it can't be written, `FolderInUseError` where another process was quicker.
        """
        wanted = root / folder_name(plan, started)
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            path = _make_new(wanted)
            return cls(path, plan, lock_folder(path))
        except OSError as error:
            raise _not_below(wanted, error) from None

    def write(self, path: Path, data: bytes) -> None:
        """Puts `data` at `path` such that the file is there whole or not at all, even after a power cut."""
        self.patience(lambda: self._write(path, data))

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path / HIDDEN / f"{secrets.token_hex(8)}.tmp"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def write_config(self, config: dict[str, Any]) -> None:
        """`run.toml`: the configuration as it was resolved, which draws this run again."""
        # A path that is no text can't be told in TOML: of the story there is a copy, which is read instead.
        self.write(self.path / "run.toml", tomli_w.dumps(config).encode(errors="replace"))

    def remove_hidden_pictures(self) -> None:
        """Drops the pictures that were kept only for the grids."""
        for path in sorted((self.path / HIDDEN / "pictures").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def close(self) -> None:
        self.lock.release()


@contextlib.contextmanager
def room_below(root: Path) -> Iterator[None]:
    """Tries all that a run folder below `root` will need: done before a model is loaded, which takes long.

    Raises `UsageError` where nothing can be made, locked or written. Folders that are made for it go at its end, unless
    they are in use then.
    """
    made: list[Path] = []
    try:
        made += [path for path in (root, *root.parents) if not path.exists()]
        root.mkdir(parents=True, exist_ok=True)
        _try_to_write(root)
    except OSError as error:
        _remove_empty(made)
        raise _not_below(root, error) from None
    try:
        yield
    finally:
        _remove_empty(made)


def _try_to_write(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(prefix=".sframes-", dir=folder) as file:
        file.write(bytes(RESERVE_BYTES))
        file.flush()
        lock = Path(f"{file.name}.lock")
        try:
            FileLock(lock).acquire().lock.release()
        finally:
            lock.unlink(missing_ok=True)


def _remove_empty(folders: Iterable[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _not_below(wanted: Path, error: OSError) -> UsageError:
    return UsageError(f"{wanted}: can't make the run folder: {error.strerror}; choose another with --output")


def _make_new(wanted: Path) -> Path:
    """Makes `wanted`, or the first of `wanted-2`, `wanted-3`, ... that isn't there yet."""
    for path in _candidates(wanted):
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return path
    raise AssertionError("candidates are endless")


def _candidates(wanted: Path) -> Iterator[Path]:
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.name}-{number}")
        number += 1


def lock_folder(folder: Path) -> FileLock:
    """Locks the folder for this process; a file beside the lock tells others who holds it.

    Raises `FolderInUseError` where another process does, `OSError` where nothing can be written.
    """
    path = folder / HIDDEN / "lock"
    path.parent.mkdir(exist_ok=True)
    lock = FileLock(path)
    try:
        # Somebody may be trying the lock just now to see whether it is held.
        lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.05)
    except Timeout:
        holder = _read_holder(folder)
        raise FolderInUseError(f"{folder}: in use by {holder}; watch or steer it with: attach {folder}") from None
    try:
        path.with_name("holder").write_text(
            f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
        )
    except OSError as error:
        if not is_full(error):
            lock.release()
            raise
    return lock


def holder(folder: Path) -> str | None:
    """Who draws into a run folder now: process, host and since when; None if nobody does."""
    path = folder / HIDDEN / "lock"
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return _read_holder(folder)
    lock.release()
    return None


def _read_holder(folder: Path) -> str:
    try:
        told = one_line(read_plain(folder / HIDDEN / "holder", 1000).decode(errors="replace"), 200)
    except OSError:
        told = ""
    return told or "another process"


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut, where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
