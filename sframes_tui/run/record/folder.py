"""The run folder: what it and its files are called, and how a file gets there whole."""

import contextlib
import fcntl
import os
import re
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w

from sframes_tui.errors import FolderInUseError, UsageError
from sframes_tui.plan.names import safe_name
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.record.disk import RESERVE_BYTES, Patience, Reserve, is_full
from sframes_tui.run.record.plain_folder import HIDDEN, parts
from sframes_tui.run.record.records import Saved
from sframes_tui.run.record.stored_picture import MAX_BYTES, matches
from sframes_tui.run.record.tree import Tree

LOCK, HOLDER = f"{HIDDEN}/lock", f"{HIDDEN}/holder"
MAX_TAGS_BYTES = 200
LOCK_SECONDS = 0.5
HOLDER_SAYS = r"process (?P<process>[0-9]{1,9}) on (?P<host>[\w.-]{1,255}) since [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}"


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

    def grid_file(self, variant: int, style: int, chapter: int) -> str:
        return f"{self._place(variant)}{self.plan.tags[style]} grid-{chapter}.png"

    def take_file(self, file: str, take: int) -> str:
        """Where a take of a picture is kept once another one counts."""
        *above, name = _visible(file)
        return "/".join((HIDDEN, "takes", *above, f"{name.removesuffix('.png')} take-{take}.png"))

    def orphan_file(self, file: str, number: int = 1) -> str:
        """Where a picture is put aside that the plan has no use for; the second of its name has the `number` 2."""
        *above, name = _visible(file)
        numbered = name if number == 1 else f"{name.removesuffix('.png')} ({number}).png"
        return "/".join((HIDDEN, "orphans", *above, numbered))

    def _place(self, variant: int) -> str:
        """Variants have folders of their own, unless there is only one."""
        return f"variant-{variant}/" if self.plan.config.generation_config.variants > 1 else ""


def _visible(file: str) -> tuple[str, ...]:
    """The parts of a file's name, as they are where nothing is hidden."""
    made = parts(file)
    return made[1:] if made[0] == HIDDEN else made


@dataclass(frozen=True)
class RunFolder(Layout):
    """A run folder that this process has locked; made by `create`, or of what `lock_folder` gives."""

    tree: Tree
    patience: Patience = field(default_factory=Patience)
    """What is done where the disk takes no more."""

    @classmethod
    def create(cls, root: Path, plan: Plan, started: datetime, text: Path | None = None) -> "RunFolder":
        """Makes a folder that no other run has, as private as the file `text`, and locks it.

        Raises `UsageError` where it can't be written, `FolderInUseError` where another process was quicker.
        """
        wanted = root / folder_name(plan, started)
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            path = _make_new(wanted, 0o777 if text is None else _folder_mode(text))
            return cls(path, plan, lock_folder(path))
        except OSError as error:
            raise _not_below(wanted, error) from None

    def write(self, file: str, data: bytes) -> None:
        """Puts a file there whole or not at all, even after a power cut. Raises `OSError`."""
        self.patience(lambda: self.tree.write(file, data))

    @property
    def reserve(self) -> Reserve:
        return Reserve(self.tree)

    def write_config(self, config: dict[str, Any]) -> None:
        """`run.toml`: the configuration as it was resolved, which draws this run again."""
        self.write("run.toml", tomli_w.dumps(config).encode())

    def remove_hidden_pictures(self) -> None:
        """Drops the pictures that were kept only for the grids."""
        if self.plan.config.generation_config.save_individual:
            return
        files = [self.picture_file(frame) for frame in self.plan.frames]
        for file in files:
            self.tree.remove(file)
        for folder in sorted({f"{HIDDEN}/pictures", *(file.rpartition("/")[0] for file in files)}, reverse=True):
            self.tree.remove_folder(folder)

    def preserve(self, saved: Saved) -> None:
        """Keeps a take among the old ones, before another is put in its place. Raises `OSError`.

        What lies in its place is known to be it, or it was preserved before.
        """
        kept = self.take_file(saved.file, saved.take)
        if matches(self.path / kept, saved.size, saved.sha256):
            return
        self.tree.remove(kept)
        try:
            self.tree.link(saved.file, kept)
        except OSError:  # some file systems have no links
            self.write(kept, self.tree.read(saved.file, MAX_BYTES))

    def put_back(self, saved: Saved, kept: str) -> None:
        """Puts a picture that lies elsewhere into its place again, whole. Raises `OSError`."""
        self.write(saved.file, self.tree.read(kept, MAX_BYTES))

    def put_aside(self, file: str) -> str:
        """Moves a file that the plan has no use for to `.sframes/orphans`; nothing there is ever replaced."""
        number = 1
        while self.tree.status(free := self.orphan_file(file, number)) is not None:
            number += 1
        self.tree.move(file, free)
        return free

    def close(self) -> None:
        self.tree.close()


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
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_empty(folders: Iterable[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _not_below(wanted: Path, error: OSError) -> UsageError:
    return UsageError(f"{wanted}: can't make the run folder: {error.strerror}; choose another with --output")


def _folder_mode(text: Path) -> int:
    """The rights on a folder of which those who can't read the text get nothing."""
    mode = text.stat().st_mode
    return 0o700 | (0o070 if mode & stat.S_IRGRP else 0) | (0o007 if mode & stat.S_IROTH else 0)


def _make_new(wanted: Path, mode: int) -> Path:
    """Makes `wanted`, or the first of `wanted-2`, `wanted-3`, ... that isn't there yet."""
    for path in _candidates(wanted):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode)
            return path
    raise AssertionError("candidates are endless")


def _candidates(wanted: Path) -> Iterator[Path]:
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.name}-{number}")
        number += 1


def lock_folder(folder: Path) -> Tree:
    """Locks the folder for this process; a file beside the lock tells others who holds it.

    Raises `FolderInUseError` where another process does, `OSError` where nothing can be written.
    """
    with contextlib.ExitStack() as failing:
        tree = Tree(folder)
        failing.callback(tree.close)
        tree.make_hidden()
        # Somebody may be trying the lock just now to see whether it is held.
        if not tree.lock(LOCK, LOCK_SECONDS):
            raise FolderInUseError(f"{folder}: in use by {_holder(tree)}; watch or steer it with: attach {folder}")
        try:
            told = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
            tree.write(HOLDER, told.encode())
        except OSError as error:
            if not is_full(error):
                raise
        failing.pop_all()
        return tree


def holder(folder: Path) -> str | None:
    """Who draws into a run folder now: process, host and since when; None if nobody does.

    Raises `UsageError` where what should be the lock is none, or another user's.
    """
    try:
        with contextlib.closing(Tree(folder)) as tree:
            return _holder(tree) if tree.is_locked(LOCK) else None
    except FileNotFoundError:
        return None
    except PermissionError:
        raise UsageError(f"{folder}: whether it is drawn can't be seen, since it is another user's run") from None
    except OSError as error:
        raise UsageError(f"{folder}: {LOCK} is no lock: {error.strerror}; take it away first") from None


def _holder(tree: Tree) -> str:
    """What the file beside the lock says, if it may be true: the process that wrote it may be gone."""
    with contextlib.suppress(OSError):
        told = re.fullmatch(HOLDER_SAYS, tree.read(HOLDER, 1000).decode(errors="replace"))
        if told and (told["host"] != socket.gethostname() or _is_alive(int(told["process"]))):
            return told[0]
    return "another process"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True
