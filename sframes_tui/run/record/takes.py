"""Old takes of pictures, and pictures without a use: kept in `.sframes`, put back when they count again.

Must not import torch.
"""

from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.records import Saved
from sframes_tui.run.record.stored_picture import MAX_BYTES, matches


def preserve(folder: RunFolder, saved: Saved) -> None:
    """Keeps a take among the old ones, before another is put in its place. Raises `OSError`.

    What lies in its place is known to be it, or it was preserved before.
    """
    kept = folder.take_file(saved.file, saved.take)
    if matches(folder.path / kept, saved.size, saved.sha256):
        return
    folder.tree.remove(kept)
    try:
        folder.tree.link(saved.file, kept)
    except OSError:  # some file systems have no links
        folder.write(kept, folder.tree.read(saved.file, MAX_BYTES))


def put_back(folder: RunFolder, saved: Saved, kept: str) -> None:
    """Puts a picture that lies elsewhere into its place again, whole. Raises `OSError`."""
    folder.write(saved.file, folder.tree.read(kept, MAX_BYTES))


def put_aside(folder: RunFolder, file: str) -> str:
    """Moves a file that the plan has no use for to `.sframes/orphans`; nothing there is ever replaced."""
    number = 1
    while folder.tree.status(free := folder.orphan_file(file, number)) is not None:
        number += 1
    folder.tree.move(file, free)
    return free
