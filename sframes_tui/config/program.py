"""A command that a configuration names -> the program that is run, and the files that it is trusted by.

Never looked at is the working directory: it may be a stranger's folder.
"""

import errno
import hashlib
import os
import shlex
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from sframes_tui.plain_file import open_plain, read_plain

MAX_BYTES = 64 * 1024 * 1024
"""Of a file that a command names; what is larger can't be trusted."""

SCRIPTS = {".py", ".sh", ".bash", ".zsh", ".fish", ".pl", ".rb", ".js", ".mjs", ".lua", ".tcl", ".php", ".r", ".jl"}


@dataclass(frozen=True, slots=True)
class Program:
    """A command's words, and what the files that they name hold."""

    command: str
    """As the configuration has it."""
    folder: Path
    """The configuration's, where relative files are looked up."""
    words: tuple[str, ...]
    """The command's, with every file that is there as an absolute path; a bare program's name stays one."""
    contents: tuple[tuple[str, str], ...] = ()
    """Of each file that counts by what it holds: its path, and its SHA-256; empty if it can't be read."""

    @property
    def shown(self) -> str:
        """What will be run, the program by its absolute path."""
        return shlex.join((on_path(self.words[0]) or self.words[0], *self.words[1:]))

    @property
    def from_anywhere(self) -> str:
        """A command that means the same in a configuration of another folder."""
        return self.command if shlex.split(self.command) == list(self.words) else shlex.join(self.words)

    def arguments(self) -> list[str]:
        """The words to start it with, now; an `OSError` where there is no such program, or not this one any more."""
        for file, digest in self.contents:
            if not digest:
                raise OSError(errno.EFBIG, f"{file} can't be read, or is larger than {MAX_BYTES // 2**20} MB")
        if find_program(self.command, self.folder) != self:
            raise PermissionError(errno.EPERM, "it, or a file that it names, was changed since it was allowed")
        return [program_file(self.words[0]), *self.words[1:]]


def find_program(command: str, folder: Path) -> Program:
    """What a command in a configuration of `folder` means; a `ValueError` for what is no command.

    A program whose name has no slash is one on PATH. Every other word that names a file, seen from `folder`, means that
    one. By what they hold count programs but those of PATH, files that are named relative to `folder` or lie below it,
    and scripts anywhere; not other files, such as a log that the program writes.
    """
    program, *more = split_command(command)
    words, contents = [program], []
    if "/" in program:
        words = [os.path.normpath(folder / program)]
        contents = [] if _is_on_path(program) else [(words[0], _digest(words[0]))]
    for word in more:
        file = os.path.normpath(folder / word)
        there = _is_file(file)
        words.append(file if there else word)
        if there and (Path(file).is_relative_to(folder) or not Path(word).is_absolute() or _is_script(file)):
            contents.append((file, _digest(file)))
    return Program(command, folder, tuple(words), tuple(contents))


def split_command(command: str) -> list[str]:
    """A command's words, as a shell would part them; a `ValueError` says why it is none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"is no command: {str(error)[:1].lower()}{str(error)[1:]}") from None
    if not words or not words[0] or "\0" in command:
        raise ValueError("is no command: it names no program")
    return words


def program_file(name: str) -> str:
    """A program's file: one on PATH if its name has no slash. Raises `FileNotFoundError`."""
    found = name if "/" in name else on_path(name)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such program on PATH", name)
    return found


def on_path(name: str) -> str | None:
    """A bare name's program on PATH. Its empty and relative entries, which mean the working directory, don't count."""
    return None if "/" in name else shutil.which(name, path=os.pathsep.join(_places()))


def _places() -> list[str]:
    return [place for place in os.get_exec_path() if Path(place).is_absolute()]


def _is_on_path(program: str) -> bool:
    """The system's programs change with its updates, and are the user's own choice."""
    return Path(program).is_absolute() and str(Path(program).parent) in _places()


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _is_script(file: str) -> bool:
    if Path(file).suffix.lower() in SCRIPTS:
        return True
    try:
        with open_plain(Path(file), follow=True) as descriptor:
            return os.read(descriptor, 2) == b"#!"
    except OSError:
        return True  # to be told that it can't be read


def _digest(file: str) -> str:
    try:
        data = read_plain(Path(file), MAX_BYTES, follow=True)
        return hashlib.sha256(os.fsencode(os.path.realpath(file)) + b"\0" + data).hexdigest()
    except (OSError, ValueError):
        return ""
