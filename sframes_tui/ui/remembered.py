"""What the screen remembers from one time to the next: its theme. Must not import textual or torch."""

import contextlib
import tomllib

import platformdirs
import tomli_w

from sframes_tui.plain_file import read_plain, write_plain

STORE = platformdirs.user_state_path("sframes") / "screen.toml"
MAX_BYTES = 10_000


def recall(key: str) -> str:
    """What was remembered under `key`; empty where nothing was, or where it can't be read."""
    value = _everything().get(key, "")
    return value if isinstance(value, str) else ""


def remember(key: str, value: str) -> None:
    """Keeps a value for the next time; a disk that doesn't take it is no reason to complain."""
    with contextlib.suppress(OSError):
        write_plain(STORE, tomli_w.dumps({**_everything(), key: value}).encode())


def _everything() -> dict[str, object]:
    try:
        return tomllib.loads(read_plain(STORE, MAX_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        return {}
