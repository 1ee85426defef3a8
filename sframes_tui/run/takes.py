"""Old takes of pictures, and pictures without a use: kept in `.sframes`, put back when they count again.

Must not import torch.
"""

import contextlib
import os
import shutil
from pathlib import Path

from sframes_tui.run.folder import RunFolder, sync_folder
from sframes_tui.run.records import Saved
from sframes_tui.run.survey import matches


def preserve(folder: RunFolder, saved: Saved) -> None:
    """Keeps a take among the old ones, before another is put in its place. Raises `OSError`.

    What lies in its place is known to be it, or it was preserved before.
    """
    kept = folder.take(saved.file, saved.take)
    if matches(kept, saved.size, saved.sha256):
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    place = folder.path / saved.file
    with contextlib.suppress(OSError):
        # The same file under a second name: it outlives the replacing of the first and takes no space.
        os.link(place, kept)
        sync_folder(kept.parent)
        return
    folder.write(kept, place.read_bytes())


def put_back(folder: RunFolder, saved: Saved, kept: Path) -> None:
    """Puts a picture that lies elsewhere into its place again, whole. Raises `OSError`."""
    folder.write(folder.path / saved.file, kept.read_bytes())


def put_aside(folder: RunFolder, file: str) -> Path:
    """Moves a file that the plan has no use for to `.sframes/orphans`; nothing there is ever replaced."""
    target = folder.orphan(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 2
    free = target
    while free.exists():
        free = target.with_stem(f"{target.stem} ({number})")
        number += 1
    shutil.move(folder.path / file, free)
    return free
