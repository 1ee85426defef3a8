"""The socket in a run folder: found, made and removed without following links, heard with patience that ends.

Both ends belong to one user. Root is asked by nobody else and answers root alone, but may ask whoever owns the folder:
root can do anything to that process anyway, and believes no more of what it says than others do.
"""

import contextlib
import os
import socket
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sframes_tui.errors import NotOursError
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.run.record.tree import LINKS, Tree

NAME = "control"
PATIENCE = 5.0
"""Seconds that either side gives to one exchange, however much of it comes in that time."""
PIECE = 65536
"""Bytes taken from a socket at a time."""
DESCRIPTORS = "/proc/self/fd"
"""Where the system has it, a path through it leads to what is open, whatever has its name by now."""

_SOL_LOCAL, _XUCRED_BYTES = 0, 76
"""Of macOS, which Python has no names for."""


@contextmanager
def connected(folder: Path, end: float) -> Iterator[socket.socket]:
    """A connection to the process that draws into a run folder. Raises `OSError`, `NotOursError`."""
    with _tree(folder) as tree, _hidden(tree) as hidden, _found(tree, hidden) as path, _socket() as mine:
        _wait_no_longer_than(end, mine)
        mine.connect(path)
        peer = user_of_peer(mine)
        owner = os.fstat(hidden).st_uid
        if peer not in (None, os.geteuid()) and (os.geteuid() != 0 or peer != owner):
            raise NotOursError(f"{folder}: user {peer} answers for its run; only the user who draws it can ask it")
        yield mine


@contextmanager
def bound(tree: Tree) -> Iterator[socket.socket]:
    """A socket of that name that only its owner may connect to; its file goes at the end.

    Only for whoever holds the run folder's lock: what lies there was left by a process that was killed. Raises
    `OSError`, `NotOursError`.
    """
    with _hidden(tree) as hidden, _socket() as mine:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(NAME, dir_fd=hidden)
        # Before there is a name for it: nobody else may connect in between. Where it can't be done, the look at the
        # other end's user does it alone.
        with contextlib.suppress(OSError):
            os.fchmod(mine.fileno(), 0o600)
        with _path(tree, hidden) as path:
            mine.bind(f"{path}/{NAME}")
        try:
            yield mine
        finally:
            with contextlib.suppress(OSError):  # somebody may have put anything in its place
                os.unlink(NAME, dir_fd=hidden)


def user_of_peer(connection: socket.socket) -> int | None:
    """Whose process is at the other end; None where the system doesn't tell."""
    if sys.platform == "linux":
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
        return int(struct.unpack("iII", told)[1])
    if sys.platform == "darwin":
        told = connection.getsockopt(_SOL_LOCAL, socket.LOCAL_PEERCRED, _XUCRED_BYTES)
        return int(struct.unpack_from("II", told)[1])
    return None


def read_line(connection: socket.socket, most: int, end: float) -> bytes:
    """What comes up to a newline, the other side's end or `most` bytes.

    Raises `TimeoutError` where that isn't there at `end`, by `time.monotonic()`.
    """
    read = bytearray()
    while len(read) < most:
        _wait_no_longer_than(end, connection)
        piece = connection.recv(min(PIECE, most - len(read)))
        read += piece
        if not piece or b"\n" in piece:
            break
    return bytes(read.partition(b"\n")[0])


def write_line(connection: socket.socket, line: bytes, end: float) -> None:
    """Raises `TimeoutError` where the other side hasn't taken it at `end`, by `time.monotonic()`."""
    _wait_no_longer_than(end, connection)
    connection.sendall(line + b"\n")


def _wait_no_longer_than(end: float, connection: socket.socket) -> None:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextmanager
def _tree(folder: Path) -> Iterator[Tree]:
    with _links_named(folder):
        tree = Tree(folder)
    with contextlib.closing(tree):
        yield tree


@contextmanager
def _hidden(tree: Tree) -> Iterator[int]:
    """The run folder's hidden folder itself: whatever takes its name from now on isn't what is looked into."""
    with contextlib.ExitStack() as held:
        with _links_named(tree.path / HIDDEN):
            descriptor = held.enter_context(tree.folder(HIDDEN))
        yield descriptor


@contextmanager
def _links_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in LINKS:
            raise
        raise NotOursError(f"{folder}: a link, or no folder; take it away first") from None


@contextmanager
def _path(tree: Tree, hidden: int) -> Iterator[str]:
    """A path to the hidden folder that is short: an address holds about 100 bytes, a run folder's path may be longer.

    Without `/proc`, a link leads there for a moment; then it is the folder's name that is trusted.
    """
    if Path(DESCRIPTORS).is_dir():
        yield f"{DESCRIPTORS}/{hidden}"
        return
    with tempfile.TemporaryDirectory(prefix="sframes-") as short:
        link = Path(short, "run")
        link.symlink_to((tree.path / HIDDEN).absolute(), target_is_directory=True)
        if not os.path.samestat(link.stat(), os.fstat(hidden)):
            raise NotOursError(f"{tree.path}: its {HIDDEN} was changed while it was looked at")
        yield str(link)


@contextmanager
def _found(tree: Tree, hidden: int) -> Iterator[str]:
    """A path of the socket in the hidden folder, which is no link, and no other name of somebody else's socket."""
    if hasattr(os, "O_PATH") and Path(DESCRIPTORS).is_dir():
        descriptor = os.open(NAME, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=hidden)
        try:
            _require_socket(tree.path, os.fstat(descriptor))
            yield f"{DESCRIPTORS}/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        _require_socket(tree.path, os.stat(NAME, dir_fd=hidden, follow_symlinks=False))
        with _path(tree, hidden) as path:
            yield f"{path}/{NAME}"


def _require_socket(folder: Path, status: os.stat_result) -> None:
    kind = "a link" if stat.S_ISLNK(status.st_mode) else "" if stat.S_ISSOCK(status.st_mode) else "no socket"
    kind = kind or ("a hard link" if status.st_nlink > 1 else "")
    if kind:
        raise NotOursError(f"{folder}: its {HIDDEN}/{NAME} is {kind}, so nobody can be asked; take it away first")
