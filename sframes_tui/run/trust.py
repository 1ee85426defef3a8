"""Which commands of which configuration files may run. Must not import torch or textual.

As direnv does it: allowed are exactly these commands in exactly this file; any edit of them asks again.
"""

import hashlib
import json
from pathlib import Path

import platformdirs

from sframes_tui.errors import TrustError
from sframes_tui.story.config import Config

STORE = platformdirs.user_config_path("sframes") / "trusted"


def commands(config: Config) -> tuple[str, ...]:
    """The programs that drawing this configuration would run; none unless `preview` names a viewer."""
    options = config.generation_config
    if not isinstance(options.preview, str) or options.preview in ("off", "terminal"):
        return ()
    return tuple(filter(None, (options.preview, options.preview_stop)))


def _mark(path: Path, wanted: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps([str(path.resolve()), *wanted]).encode()).hexdigest()


def is_trusted(path: Path, config: Config) -> bool:
    """Whether a configuration file runs nothing, or nothing that wasn't allowed."""
    wanted = commands(config)
    return not wanted or _mark(path, wanted) in _marks()


def _marks() -> list[str]:
    """A store that can't be read allows nothing."""
    try:
        return STORE.read_bytes().decode("ascii", "replace").split()
    except OSError:
        return []


def require_trust(path: Path, config: Config) -> None:
    """Raises `TrustError`, which names the commands, unless they were allowed."""
    if not is_trusted(path, config):
        shown = " and ".join(repr(command) for command in commands(config))
        raise TrustError(
            f"{path} wants to run {shown}; if it stands in that file, allow it with: trust {path}, "
            "otherwise set preview = false"
        )


def trust(path: Path, config: Config) -> None:
    """Allows the commands that the file holds now; raises `TrustError` where that can't be remembered."""
    try:
        STORE.parent.mkdir(parents=True, exist_ok=True)
        with STORE.open("a") as store:
            store.write(_mark(path, commands(config)) + "\n")
    except OSError as error:
        raise TrustError(f"{STORE}: can't be written: {error.strerror}; what is allowed is kept there") from None
