"""Which configuration files may run programs and send word. Must not import torch or textual.

As direnv does it: allowed are exactly these commands in exactly this file; any edit of them asks again. A front end
that can ask looks at `standing`, shows `asked_for`, and calls `allow_once`, `trust` (for good) or `never`; one that
can't calls `require_trust`. What was refused is drawn by way of `without_commands`.
"""

import contextlib
import hashlib
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Literal

import platformdirs

from sframes_tui.errors import TrustError
from sframes_tui.story.config import Config, is_web_address
from sframes_tui.story.config_file import LoadedConfig

STORE = platformdirs.user_config_path("sframes") / "trusted"
"""One line for each answer that is to be remembered: the hash of what was asked, with `!` before it if refused."""

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


def asked_for(config: Config) -> str:
    """What a configuration wants, exactly, as the end of a sentence: "run 'feh' and send word to 'https://…'"."""
    wanted = commands(config)
    runs = [repr(each) for each in wanted if not is_web_address(each)]
    addresses = [repr(each) for each in wanted if is_web_address(each)]
    parts = [f"run {' and '.join(runs)}"] if runs else []
    parts += [f"send word to {' and '.join(addresses)}"] if addresses else []
    return " and ".join(parts)


def _mark(path: Path, wanted: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps([str(path.resolve()), *wanted]).encode()).hexdigest()


def standing(path: Path, config: Config) -> Standing:
    """Whether what a file wants was allowed, refused for good, or is still to be asked; nothing wanted is allowed."""
    wanted = commands(config)
    if not wanted:
        return "allowed"
    mark, remembered = _mark(path, wanted), _remembered()
    answers = [line for line in remembered if line.lstrip("!") == mark]
    if mark in _once or (answers and answers[-1] == mark):
        return "allowed"
    return "refused" if answers else "open"


def is_trusted(path: Path, config: Config) -> bool:
    """Whether a configuration file runs nothing, or nothing that wasn't allowed."""
    return standing(path, config) == "allowed"


def _remembered() -> list[str]:
    """A store that can't be read allows nothing."""
    try:
        return STORE.read_bytes().decode("ascii", "replace").split()
    except OSError:
        return []


def require_trust(path: Path, config: Config) -> None:
    """Raises `TrustError`, which names the commands, unless they were allowed."""
    if not is_trusted(path, config):
        raise TrustError(
            f"{path} wants to {asked_for(config)}; if it stands in that file, allow it with: "
            f"trust {shlex.quote(str(path))}, otherwise set preview = false and leave notify out"
        )


def allow_once(path: Path, config: Config) -> None:
    """Allows the commands until this process ends."""
    _once.add(_mark(path, commands(config)))


def trust(path: Path, config: Config) -> None:
    """Allows the commands that were shown of this file; raises `TrustError` where that can't be remembered."""
    _remember(_mark(path, commands(config)))


def never(path: Path, config: Config) -> None:
    """Refuses the commands without asking again; raises `TrustError` where that can't be remembered."""
    _once.discard(_mark(path, commands(config)))
    _remember("!" + _mark(path, commands(config)))


def carry_over(path: Path, copy: Path, config: Config) -> None:
    """What was allowed for good in a file is allowed in the program's own copy of it, a run folder's `run.toml`."""
    if commands(config) and _mark(path, commands(config)) in _remembered() and is_trusted(path, config):
        with contextlib.suppress(TrustError):  # then that copy is asked about again
            trust(copy, config)


def without_commands(loaded: LoadedConfig) -> LoadedConfig:
    """The same configuration, with nothing to run and nobody to tell."""
    options = loaded.config.generation_config
    shown = None if viewer_commands(loaded.config) else options.preview
    harmless = options.model_copy(update={"preview": shown, "preview_stop": None, "notify": None})
    return replace(loaded, config=loaded.config.model_copy(update={"generation_config": harmless}))


def _remember(line: str) -> None:
    try:
        STORE.parent.mkdir(parents=True, exist_ok=True)
        with STORE.open("a") as store:
            store.write(line + "\n")
    except OSError as error:
        raise TrustError(f"{STORE}: can't be written: {error.strerror}; what is allowed is kept there") from None
