"""Which configuration files may run programs and send word.

As direnv does it: allowed are exactly these commands in exactly this file, with what the files that they name hold; any
edit of them asks again. A front end that can ask looks at `standing`, shows `shown` or `asked_for`, and calls
`allow_once`, `trust` (for good) or `never`, all with the same `Wishes`; one that can't calls `require_trust`. What was
refused is drawn by way of `without_commands`. Whoever runs a program takes it from `Wishes` that are allowed.
"""

import contextlib
import errno
import hashlib
import json
import os
import shlex
import stat
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import platformdirs

from sframes_tui.config.address import is_web_address, without_password
from sframes_tui.config.config import Config
from sframes_tui.config.file import LoadedConfig
from sframes_tui.config.program import Program, find_program
from sframes_tui.errors import TrustError
from sframes_tui.plain_file import open_plain

STORE = platformdirs.user_config_path("sframes") / "trusted"
"""One line for each answer that is to be remembered: the hash of what was asked, with `!` before it if refused."""

MAX_STORE = 16 * 1024 * 1024

Standing = Literal["allowed", "refused", "open"]

_once: set[str] = set()
"""What is allowed for as long as this process lives."""


def viewer_commands(config: Config) -> tuple[str, ...]:
    """The viewer and what closes it; none unless `preview` names a viewer."""
    options = config.generation_config
    if not isinstance(options.preview, str) or options.preview in ("off", "terminal"):
        return ()
    return tuple(filter(None, (options.preview, options.preview_stop)))


def commands(config: Config) -> tuple[str, ...]:
    """All that drawing this configuration would run, or send to, that needs to be allowed."""
    notify = config.generation_config.notify
    return (*viewer_commands(config), *((notify,) if notify else ()))


@dataclass(frozen=True)
class Wishes:
    """What a configuration file names to be run and told, as it was found at one moment."""

    path: Path
    commands: tuple[str, ...]
    programs: dict[str, Program]
    """By those of the commands that are no addresses."""

    @classmethod
    def of(cls, path: Path, config: Config) -> "Wishes":
        wanted, folder = commands(config), path.resolve().parent
        return cls(path, wanted, {each: find_program(each, folder) for each in wanted if not is_web_address(each)})

    @property
    def shown(self) -> tuple[str, ...]:
        """Each as it will be run, or sent to, without passwords."""
        return tuple(
            without_password(self.programs[each].shown if each in self.programs else each) for each in self.commands
        )

    @property
    def contents(self) -> dict[str, str]:
        """The files that count by what they hold."""
        return dict(content for program in self.programs.values() for content in program.contents)

    @property
    def mark(self) -> str:
        """Names this file, its commands, and what the files that they name hold."""
        asked = [str(self.path.resolve()), *self.commands, *([self.contents] if self.contents else [])]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def asked_for(wishes: Wishes) -> str:
    """What a configuration wants, exactly, as the end of a sentence: "run '/usr/bin/feh' and send word to '…'"."""
    pairs = list(zip(wishes.commands, wishes.shown, strict=True))
    runs = [repr(shown) for command, shown in pairs if command in wishes.programs]
    addresses = [repr(shown) for command, shown in pairs if command not in wishes.programs]
    parts = [f"run {' and '.join(runs)}"] if runs else []
    parts += [f"send word to {' and '.join(addresses)}"] if addresses else []
    return " and ".join(parts)


def standing(wishes: Wishes) -> Standing:
    """Whether what a file wants was allowed, refused for good, or is still to be asked; nothing wanted is allowed."""
    if not wishes.commands:
        return "allowed"
    mark = wishes.mark
    answers = [line for line in _remembered() if line.lstrip("!") == mark]
    if mark in _once or (answers and answers[-1] == mark):
        return "allowed"
    return "refused" if answers else "open"


def allowed(path: Path, config: Config) -> Wishes | None:
    """What a configuration wants, if all of that was allowed."""
    wishes = Wishes.of(path, config)
    return wishes if standing(wishes) == "allowed" else None


def require_trust(path: Path, config: Config) -> None:
    """Raises `TrustError`, which names the commands, unless they were allowed."""
    wishes = Wishes.of(path, config)
    if standing(wishes) != "allowed":
        raise TrustError(
            f"{path} wants to {asked_for(wishes)}; if it stands in that file, allow it with: "
            f"trust {shlex.quote(str(path))}, otherwise set preview = false and leave notify out"
        )


def allow_once(wishes: Wishes) -> None:
    """Allows the commands until this process ends."""
    _once.add(wishes.mark)


def trust(wishes: Wishes) -> None:
    """Allows the commands that were shown; raises `TrustError` where that can't be remembered."""
    _remember(wishes.mark)


def never(wishes: Wishes) -> None:
    """Refuses the commands without asking again; raises `TrustError` where that can't be remembered."""
    _once.discard(wishes.mark)
    _remember("!" + wishes.mark)


def carry_over(wishes: Wishes, copied: Wishes) -> None:
    """What was allowed for good in a file is allowed in the program's own copy of it, a run folder's `run.toml`.

    Not where files would count by what they hold in the one, and not in the other.
    """
    same = copied.contents == wishes.contents
    if copied.commands and same and wishes.mark in _remembered() and standing(wishes) == "allowed":
        with contextlib.suppress(TrustError):  # then that copy is asked about again
            trust(copied)


def without_commands(loaded: LoadedConfig) -> LoadedConfig:
    """The same configuration, with nothing to run and nobody to tell."""
    options = loaded.config.generation_config
    shown = None if viewer_commands(loaded.config) else options.preview
    harmless = options.model_copy(update={"preview": shown, "preview_stop": None, "notify": None})
    return replace(loaded, config=loaded.config.model_copy(update={"generation_config": harmless}))


def _remembered() -> list[str]:
    """A store that can't be read, or that others could have written, allows nothing."""
    try:
        with open_plain(STORE, follow=True) as descriptor, open(descriptor, "rb", closefd=False) as store:
            return store.read(MAX_STORE).decode("ascii", "replace").split() if _is_own(descriptor) else []
    except OSError:
        return []


def _remember(line: str) -> None:
    try:
        STORE.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(STORE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as store:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a plain file")
            if os.fstat(descriptor).st_uid != os.geteuid():
                raise OSError(errno.EPERM, "it belongs to somebody else")
            if not _is_own(descriptor):
                store.truncate(0)  # what stands in it may be anybody's word
                os.fchmod(descriptor, 0o600)
            store.write(line.encode() + b"\n")
    except OSError as error:
        raise TrustError(f"{STORE}: can't be written: {error.strerror}; what is allowed is kept there") from None


def _is_own(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def start(program: Program, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Starts an allowed program on its own, out of reach of this terminal's signals, in the folder `/`.

    There it finds nothing by a relative name, neither of the working directory's nor of a stranger's. Its files are
    looked at once more right before: an `OSError` if they aren't what was allowed any more, or it can't be started.
    """
    words = [*program.arguments(), *arguments]
    null = subprocess.DEVNULL
    return subprocess.Popen(words, stdin=stdin, stdout=null, stderr=null, start_new_session=True, cwd="/")
