"""What is asked before a run starts. Must not import torch."""

from dataclasses import replace
from typing import Any

from textual.app import App

from sframes_tui.errors import TrustError
from sframes_tui.plan.draft import Draft
from sframes_tui.printable import one_line
from sframes_tui.run.beside import trust
from sframes_tui.ui.dialogs.dialogs import trust_question


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
    answer = await app.push_screen_wait(trust_question(str(wishes.path), wishes.shown))
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
