"""Under which circumstances a run is drawn: written at each drawing's begin, compared when it goes on."""

import os
import platform
import re
import secrets
import socket
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from sframes_tui import __version__
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import UsageError
from sframes_tui.plain_file import read_plain
from sframes_tui.plan.identity import VERSION, VERSIONS, Identities
from sframes_tui.plan.plan import Plan
from sframes_tui.plan.plan_text import describe_plan
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.journal import NAME, Record
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.text.source import MAX_BYTES

ENDING = r"\.[\w+-]{1,40}"
PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "pillow")


def header(
    resolved: Resolved,
    identities: Identities,
    frames: int,
    kept: int,
    text: str,
    first: Record,
) -> dict[str, Any]:
    """The fields of a `planned` record; `text` is the copy of the text, `first` the run's first one, or empty."""
    return {
        "run": first.get("run") or secrets.token_hex(8),
        "process": os.getpid(),
        "host": socket.gethostname(),
        "frames": frames,
        "kept": kept,
        "text": text,
        "identity_version": identities.version,
        "model": identities.model,
        "facts": asdict(resolved.facts),
        "circumstances": circumstances(resolved),
    }


def circumstances(resolved: Resolved) -> dict[str, str]:
    """What may change a picture's bytes beside what is asked for; by the words that a person reads."""
    facts = resolved.facts
    return {
        "S-Frames": __version__,
        "Python": platform.python_version(),
        **{name: version_of(name) for name in PACKAGES},
        **{key: _said(value) for key, value in resolved.told.items()},
        **dict(facts.libraries),
        "device": resolved.kind_of_device,
        "hardware": facts.hardware,
        "number format": facts.dtype,
        "number format of the VAE": facts.vae_dtype or facts.dtype,
        "engine": facts.engine,
        "rows": str(resolved.rows),
    }


def identity_version(first: Record) -> int:
    """That of a run's identities, told by its first `planned` record. Raises `UsageError` for one that isn't known."""
    version = first.get("identity_version", 2) if first else VERSION
    if version not in VERSIONS:
        raise UsageError(f"{NAME}: begun by a later version of S-Frames; go on with that one")
    return version


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def version_of(package: str) -> str:
    """An installed package's version, without importing it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def differences(first: Record, resolved: Resolved) -> str | None:
    """One sentence on what is otherwise than when the run began; None where nothing is."""
    before, now = dict(first.get("circumstances", {})), circumstances(resolved)
    # It had its number in earlier versions.
    before["device"] = str(before.get("device", now["device"])).partition(":")[0]
    # It had the model's in earlier versions, which didn't tell.
    before.setdefault("number format of the VAE", before.get("number format", now["number format of the VAE"]))
    changed = [
        f"{name} was {before[name]}, is {value}" for name, value in now.items() if before.get(name, value) != value
    ]
    if not changed:
        return None
    if before.get("number format", now["number format"]) != now["number format"]:
        return f"{'; '.join(changed)}: what is drawn now looks a little otherwise than in an unbroken run"
    return f"{'; '.join(changed)}: the bytes of what is drawn now may differ from those of an unbroken run"


def text_copy(source: Path) -> str:
    """What a run calls its own copy of a text: named for its ending, by which some kinds of text are known."""
    return f"{HIDDEN}/source{source.suffix if re.fullmatch(ENDING, source.suffix) else '.txt'}"


def write_plan(folder: RunFolder, plan: Plan, text_file: Path, before: Record) -> None:
    """Keeps the plan, for people, and a copy of the text, so that the run can go on without it.

    `before` is the last `planned` record, empty for a new run: the copy that it tells of is dropped where another one
    takes its place. Raises `OSError`.
    """
    lines = "\n".join(describe_plan(plan, text_file)) + "\n"
    folder.write(f"{HIDDEN}/plan.txt", lines.encode(errors="backslashreplace"))
    copy, former = text_copy(text_file), str(before.get("text", ""))
    if text_file.absolute() != (folder.path / copy).absolute():
        folder.write(copy, read_plain(text_file, MAX_BYTES, follow=True))
    if former not in ("", copy) and former == text_copy(Path(former)):
        folder.tree.remove(former)
