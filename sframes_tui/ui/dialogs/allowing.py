"""Whether the programs that a configuration names may be started: asked before a run, unless that was answered before.

A stranger's configuration must not run anything, nor send word anywhere, by being opened and drawn.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.app import App

from sframes_tui.errors import TrustError
from sframes_tui.plan.draft import Draft
from sframes_tui.printable import one_line
from sframes_tui.run.beside import trust
from sframes_tui.ui.dialogs.dialogs import Answer, Question


async def allowed_draft(app: App[Any], draft: Draft) -> Draft | None:
    """The draft as it may be drawn: as it is, or without the commands that were refused; None where nobody chose.

    To be awaited in a worker of the app's.
    """
    wishes = trust.Wishes.of(draft.loaded.path, draft.config)
    standing = trust.standing(wishes)
    if standing == "open":
        standing = await _ask(app, wishes)
    if standing == "allowed":
        return draft
    return replace(draft, loaded=trust.without_commands(draft.loaded)) if standing == "refused" else None


async def _ask(app: App[Any], wishes: trust.Wishes) -> trust.Standing:
    answer = await app.push_screen_wait(_question(str(wishes.path), wishes.shown))
    try:
        match answer:
            case "once":
                trust.allow_once(wishes)
            case "always":
                trust.allow_once(wishes)  # even if the disk doesn't take what follows
                trust.trust(wishes)
            case "never":
                trust.never(wishes)
            case _:
                return "open"
    except TrustError as error:
        app.notify(one_line(str(error)), severity="warning", markup=False)
    return "refused" if answer == "never" else "allowed"


def _question(path: str, commands: Sequence[str]) -> Question:
    """Before programs that a configuration names are started, and before anybody is told of its end."""
    return Question(
        "Allow this?",
        (
            f"{path} asks to start these programs while it is drawn, or to send word to these addresses:",
            "\n".join(f"    {command}" for command in commands),
            "Allow it only if you know what it does. If the file says anything else, this is asked again.",
        ),
        (
            Answer("once", "o", "this once"),
            Answer("always", "a", "always"),
            Answer("never", "n", "never; draw without"),
        ),
    )
