"""Every command of the screen, declared once: its key, its name and its help. Must not import textual's widgets.

Bindings, footer, command palette, help screen, the user's keymap and the README's key table are made from `COMMANDS`.
A pane takes its own with `BINDINGS = bindings("story")` and has a method `action_...` for each.
"""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Scope = Literal["app", "main", "form", "story", "pictures", "log"]
"""Where a command works: everywhere, on the main screen, or while its pane has the focus."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do."""

    id: str
    """What a keymap file calls it."""
    key: str
    """Textual's name of the key; several are parted by commas."""
    name: str
    """A word or two, for the footer and the palette."""
    help: str
    """One sentence."""
    action: str
    scope: Scope
    footer: bool = False
    """Whether the footer has room for it."""
    priority: bool = False
    """Whether it comes before what the focused widget does with the key."""


COMMANDS: tuple[Command, ...] = (
    Command("help", "f1", "Help", "Show every key.", "help", "app", footer=True, priority=True),
    Command("quit", "ctrl+q", "Quit", "Leave; asks where something would be lost.", "leave", "app", True, True),
    Command("palette", "ctrl+p", "Commands", "Find a command by its name.", "command_palette", "app", True, True),
    Command("theme", "ctrl+t", "Theme", "Choose other colours.", "change_theme", "app", priority=True),
    Command("suspend", "ctrl+z", "Suspend", "Go back to the shell; `fg` returns.", "suspend_process", "app"),
    Command("start", "ctrl+r", "Start", "Draw the story as it is set up now.", "start", "main", True, True),
    Command("pause", "f7", "Pause", "Pause the run, or let it go on.", "pause", "main", True, True),
    Command("finish", "f8", "Finish", "Stop once the pictures in hand are drawn.", "finish", "main", True, True),
    Command("stop", "f9", "Stop now", "Stop at once; half-drawn pictures are lost.", "stop", "main", True, True),
    Command("show_form", "f2", "Settings", "Go to the settings.", "show('form')", "main", priority=True),
    Command("show_story", "f3", "Story", "Go to the story.", "show('story')", "main", priority=True),
    Command("show_pictures", "f4", "Pictures", "Go to the pictures.", "show('pictures')", "main", priority=True),
    Command("show_log", "f5", "Log", "Go to the log.", "show('log')", "main", priority=True),
    Command("save", "ctrl+s", "Save", "Save the settings to their file.", "save", "main", True, True),
)


def bindings(scope: Scope) -> list[BindingType]:
    """What a widget of this scope sets as its `BINDINGS`."""
    return [
        Binding(
            command.key,
            command.action,
            command.name,
            show=command.footer,
            priority=command.priority,
            tooltip=command.help,
            id=command.id,
        )
        for command in COMMANDS
        if command.scope == scope
    ]
