"""What somebody names -> the run that is meant: a run folder, one of those below a folder, or a configuration's.

A configuration's runs are those in the folder that its key and tags make, drawn from the same text. Writes nothing.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sframes_tui.config.file import Override, load_config
from sframes_tui.errors import UsageError
from sframes_tui.plan.draft import Draft, make_draft
from sframes_tui.printable import counted
from sframes_tui.run.beside.status import DEPTH, RunSummary, past_runs
from sframes_tui.run.events import Notice
from sframes_tui.run.record.folder import folder_name
from sframes_tui.run.record.journal import NAME
from sframes_tui.run.record.past_run import CONFIG
from sframes_tui.run.record.plain_folder import HIDDEN

SECTIONS = ("prompt_config", "generation_config")
FILLED_IN = ("key", "seed")
"""Options that a run's begin fills in where they are open."""
NOT_COMPARED = ("source", "rows")
"""The first is known to be the same, the second is what the engine took of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run that is meant, or a configuration that has none yet."""

    folder: Path | None
    draft: Draft | None = None
    """Of the configuration, where one was named."""
    notices: tuple[Notice, ...] = ()
    """Which run it is, and what may surprise."""


def find_run(target: Path, root: Path, overrides: Sequence[Override] = (), or_none: bool = False) -> Found:
    """The run that `target` means: of several the newest unfinished one, or the newest where all are finished.

    `root` is where a configuration's runs are, `overrides` are put over its values. Raises `SFramesError`, also where
    there is no run, unless that may be (`or_none`) and a configuration was named.
    """
    try:
        folder, is_file = _run_folder(target), target.is_file()
    except OSError as error:
        raise UsageError(f"{target}: can't be looked at: {error.strerror}") from None
    if folder is None and is_file:
        return _of_configuration(target, root, overrides, or_none)
    if overrides or or_none:
        raise UsageError(f"{target}: --set and --or-start need a configuration: a run goes on as its {CONFIG} says")
    if folder is not None:
        return Found(folder)
    if not target.is_dir():
        raise UsageError(f"{target}: no run folder and no configuration, since there is no such file or folder")
    runs = past_runs(target, range(1, DEPTH + 1))
    if not runs:
        raise UsageError(f"{target}: no run folder, since it has no {CONFIG}, and no folder of runs: none is below it")
    return _newest(runs, str(target))


def _run_folder(target: Path) -> Path | None:
    """The folder of a run that was named by itself, or by its `run.toml`."""
    if (target / CONFIG).is_file():
        return target
    # Alone, a file of that name is a configuration like any other.
    begun = any((target.parent / each).exists() for each in (HIDDEN, NAME))
    return target.parent if target.name == CONFIG and target.is_file() and begun else None


def _of_configuration(target: Path, root: Path, overrides: Sequence[Override], or_none: bool) -> Found:
    draft = make_draft(load_config(target, overrides))
    place = root / folder_name(draft.plan, datetime.now()).parent
    runs = [run for run in past_runs(place, (1,)) if _has_text(run.path, draft.text_file)]
    if not runs and not or_none:
        raise UsageError(f"{target}: it has no run in {place} yet; begin one with --or-start, or look with --output")
    if not runs:
        return Found(None, draft)
    found = _newest(runs, str(target))
    assert found.folder is not None
    name = f"{target} with --set" if overrides else str(target)
    return Found(found.folder, draft, (*found.notices, *_otherwise(found.folder, draft, name)))


def _has_text(folder: Path, text_file: Path) -> bool:
    source = load_config(folder / CONFIG).config.prompt_config.source
    return os.path.realpath(folder / source) == os.path.realpath(text_file)


def _newest(runs: Sequence[RunSummary], name: str) -> Found:
    """Of runs with the newest first."""
    unfinished = [run for run in runs if not run.is_finished]
    chosen = (unfinished or runs)[0].path
    if unfinished:
        which = "" if len(unfinished) == 1 else f", the newest of {len(unfinished)} unfinished runs of {name}"
        return Found(chosen, notices=(Notice("info", f"going on with {chosen}{which}"),))
    text = f"{counted(len(runs), 'run')} of {name}, all finished; the newest is {chosen}"
    return Found(chosen, notices=(Notice("info", text),))


def _otherwise(folder: Path, draft: Draft, name: str) -> Iterator[Notice]:
    """A run goes on as it was begun; told is where its configuration says something else by now."""
    then = load_config(folder / CONFIG).config.model_dump()
    changed = [f"{section}.{key}" for section in SECTIONS for key in _changed(section, then[section], draft)]
    changed += ["style_configs"] * (then["style_configs"] != draft.config.model_dump()["style_configs"])
    if changed:
        text = f"the run goes on as its {CONFIG} says; {name} says otherwise on {', '.join(changed)}"
        yield Notice("warning", f"{text}: to have that, edit {folder / CONFIG}, or begin a new run without resume")


def _changed(section: str, then: dict[str, Any], draft: Draft) -> Iterator[str]:
    """The options of a section that differ."""
    asked, resolved = getattr(draft.config, section), draft.run_config(0)[section]
    for key, before in then.items():
        filled_in = key in FILLED_IN and getattr(asked, key) is None
        if key not in NOT_COMPARED and not filled_in and resolved.get(key) != before:
            yield key
