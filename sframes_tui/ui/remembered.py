"""What the screen remembers from one time to the next: its theme. Must not import textual or torch."""

import contextlib
import secrets
import tomllib

import platformdirs
import tomli_w

STORE = platformdirs.user_state_path("sframes") / "screen.toml"


def recall(key: str) -> str:
    """What was remembered under `key`; empty where nothing was, or where it can't be read."""
    try:
        value = tomllib.loads(STORE.read_text(encoding="utf-8")).get(key, "")
    except (OSError, ValueError):
        return ""
    return value if isinstance(value, str) else ""


def remember(key: str, value: str) -> None:
    """Keeps a value for the next time; a disk that doesn't take it is no reason to complain."""
    with contextlib.suppress(OSError):
        STORE.parent.mkdir(parents=True, exist_ok=True)
        values = {**_everything(), key: value}
        temporary = STORE.with_name(f".{secrets.token_hex(8)}.tmp")
        temporary.write_text(tomli_w.dumps(values), encoding="utf-8")
        temporary.replace(STORE)


def _everything() -> dict[str, object]:
    try:
        return tomllib.loads(STORE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
