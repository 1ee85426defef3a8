"""One run folder's files by their names, such that nothing is ever written, moved or deleted outside of it.

Every folder on the way to a file is opened by itself, beginning at the run folder, and never through a link: what is
looked at is what is used, also where somebody puts a link in a folder's place meanwhile.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sframes_tui.run.record.plain_folder import HIDDEN, parts

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LINKS = {
    errno.ELOOP: "a link, which could lead elsewhere",
    errno.ENOTDIR: "a link or a file lies where a folder should be",
}
"""What the system says in other words where a link isn't followed."""
HALF_WRITTEN = re.compile(r"[0-9a-f]{16}\.tmp")
"""What a process that was killed leaves in the hidden folder."""
TRY_SECONDS = 0.05
"""How often a lock is tried again."""


class Tree:
    """A run folder, held open; `close` lets go of it and of its lock.

    Files are named as journals name them. All methods raise `OSError` with the file's path, `ValueError` for a name
    that no file in a run folder has. New files are as private as the run folder itself is, hidden ones the user's own.
    """

    def __init__(self, path: Path) -> None:
        """Raises `OSError`, also for a link to a folder."""
        self.path = path
        self._root = os.open(path, FOLDER)
        self._held = [self._root]
        self._mode = stat.S_IMODE(os.fstat(self._root).st_mode) & 0o777

    def close(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def make_hidden(self) -> None:
        """Makes the folder of hidden files, or takes other users' rights on it away, where there are rights."""
        with self._at(f"{HIDDEN}/x", make=True) as (folder, _), contextlib.suppress(PermissionError):
            os.fchmod(folder, 0o700)

    def lock(self, file: str, seconds: float) -> bool:
        """Holds a lock that only one process can have, until `close`; false where another has it for so long."""
        deadline = time.monotonic() + seconds
        while (descriptor := self._try_lock(file)) is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(TRY_SECONDS)
        self._held.append(descriptor)
        return True

    def _try_lock(self, file: str) -> int | None:
        with contextlib.ExitStack() as failing:
            descriptor = self.open(file, os.O_RDWR | os.O_CREAT)
            failing.callback(os.close, descriptor)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another file may have taken its place since it was opened; that one others would lock.
                if (found := self.status(file)) is not None and os.path.samestat(found, os.fstat(descriptor)):
                    failing.pop_all()
                    return descriptor
        return None

    def is_locked(self, file: str) -> bool:
        """Whether another process holds the lock."""
        descriptor = self.open(file, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def open(self, file: str, flags: int) -> int:
        """The descriptor of a plain file; one that is to be written must have no other name (a hard link) elsewhere."""
        with self._at(file, make=bool(flags & os.O_CREAT)) as (folder, name):
            descriptor = os.open(name, flags | PLAIN, self._mode & 0o666, dir_fd=folder)
            try:
                _require_plain(os.fstat(descriptor), is_written=flags & os.O_ACCMODE != os.O_RDONLY)
            except OSError:
                os.close(descriptor)
                raise
            return descriptor

    def read(self, file: str, most: int) -> bytes:
        """What a plain file of at most `most` bytes holds."""
        with os.fdopen(self.open(file, os.O_RDONLY), "rb") as opened:
            if os.fstat(opened.fileno()).st_size > most:
                raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(self.path.absolute() / file))
            return opened.read(most)

    def write(self, file: str, data: bytes) -> None:
        """Puts a file there whole or not at all, even after a power cut, in place of what has its name."""
        temporary = f"{HIDDEN}/{secrets.token_hex(8)}.tmp"
        try:
            with os.fdopen(self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            self.move(temporary, file)
        except BaseException:
            self.remove(temporary)
            raise

    def link(self, file: str, to: str) -> None:
        """Gives a file a second name, under which it outlives the replacing of the first and takes no space."""
        with self._at(file) as (folder, name), self._at(to, make=True) as (target, other):
            os.link(name, other, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
            _sync(target)

    def move(self, file: str, to: str) -> None:
        """Puts a file elsewhere, in place of what lies there."""
        with self._at(file) as (folder, name), self._at(to, make=True) as (target, other):
            os.rename(name, other, src_dir_fd=folder, dst_dir_fd=target)
            _sync(target)

    def remove(self, file: str) -> None:
        """Deletes a file, where there is one; a link as such, never what it leads to."""
        with contextlib.suppress(FileNotFoundError), self._at(file) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def remove_folder(self, file: str) -> None:
        """Deletes a folder, where there is one and nothing is in it."""
        with contextlib.suppress(OSError), self._at(file) as (folder, name):
            os.rmdir(name, dir_fd=folder)

    def status(self, file: str) -> os.stat_result | None:
        """What lies there, be it a link; None where nothing does."""
        try:
            with self._at(file) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, file: str) -> list[str]:
        """The names of what is in a folder, nothing where there is none."""
        try:
            with self._at(f"{file}/x") as (folder, _):
                return sorted(entry.name for entry in os.scandir(folder))
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def folder(self, file: str) -> Iterator[int]:
        """The descriptor of a folder, for what isn't done here; an `OSError` of it has no path."""
        with self._folder(parts(file)) as descriptor:
            yield descriptor

    @property
    def free_bytes(self) -> int:
        """What the disk has left; a quota isn't seen here."""
        status = os.statvfs(self._root)
        return status.f_bavail * status.f_frsize

    @contextlib.contextmanager
    def _at(self, file: str, make: bool = False) -> Iterator[tuple[int, str]]:
        """A file's folder, open, and its name there; what goes wrong with it is told by its whole path."""
        *above, name = parts(file)
        try:
            with self._folder(above, make) as folder:
                yield folder, name
        except OSError as error:
            if Path(error.filename or "").is_absolute():  # told already, of the other file of two
                raise
            said = LINKS.get(error.errno or 0, error.strerror)
            raise OSError(error.errno, said, str(self.path.absolute() / file)) from None

    @contextlib.contextmanager
    def _folder(self, above: Sequence[str], make: bool = False) -> Iterator[int]:
        descriptor = os.dup(self._root)
        try:
            for part in above:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o700 if part == HIDDEN else self._mode, dir_fd=descriptor)
                deeper = os.open(part, FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)


def _require_plain(status: os.stat_result, is_written: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a plain file")
    if is_written and status.st_nlink > 1:
        raise OSError(errno.EMLINK, "a hard link, whose other name may be elsewhere")


def _sync(folder: int) -> None:
    """Makes what happened in a folder survive a power cut, where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        os.fsync(folder)
