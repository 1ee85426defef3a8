"""Every command of the screen, declared once: its key, its name and its help.

Bindings, footer, command palette, help screen, the user's keymap and the README's key table are made from `COMMANDS`.
A pane takes its own with `BINDINGS = bindings("story")` and has a method `action_...` for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType
from textual.keys import format_key

Scope = Literal[
    "app",
    "main",
    "form",
    "number",
    "choice",
    "group",
    "styles",
    "story",
    "tree",
    "pictures",
    "picture",
    "grid",
    "terminal",
    "log",
]
"""Where a command works: everywhere, on the main screen, or while its pane has the focus."""

SCOPES: dict[Scope, str] = {
    "app": "Everywhere",
    "main": "The run and the panes",
    "form": "Settings",
    "number": "In a number",
    "choice": "In a switch or choice",
    "group": "On a group of settings",
    "styles": "In the table of styles",
    "story": "Story",
    "tree": "The story's lines",
    "pictures": "Pictures",
    "picture": "One picture",
    "grid": "A chapter's pictures",
    "terminal": "The terminal's test page",
    "log": "Log",
}
"""What people call them."""

When = Literal["always", "idle", "running", "paused", "changed", "begun", "loaded"]
"""When the footer shows a command. Its key works at any time."""


BREAKPOINTS = [(0, "-narrow"), (96, "-medium"), (120, "-wide")]
"""From how many columns on which arrangement of the panes is used, a class of their screen."""


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
    """The action of the widget that has the scope's bindings."""
    scope: Scope
    footer: bool = False
    """Whether the footer shows it where there is room."""
    priority: bool = False
    """Whether it comes before what the focused widget does with the key."""
    when: When = "always"
    paused_name: str = ""
    """Its name instead while the run is paused."""


def _app(command: str, key: str, name: str, about: str, action: str, footer: bool = False) -> Command:
    return Command(command, key, name, about, action, "app", footer, priority=True)


def _main(command: str, key: str, name: str, about: str, action: str, when: When | None = None) -> Command:
    """In the footer where there is a `when`."""
    return Command(command, key, name, about, action, "main", when is not None, True, when or "always")


def _form(command: str, key: str, name: str, about: str, action: str, when: When | None = None) -> Command:
    """Comes before what the field does with the key; in the footer where there is a `when`."""
    return Command(command, key, name, about, action, "form", when is not None, True, when or "always")


def _number(command: str, key: str, name: str, about: str, action: str) -> Command:
    return Command(command, key, name, about, action, "number", footer=True, priority=True)


def _style(action: str, key: str, name: str, about: str, call: str = "") -> Command:
    return Command(f"style_{action}", key, name, about, call or action, "styles", footer=True, priority=True)


def _cell(command: str, key: str, name: str, about: str, action: str) -> Command:
    return Command(command, key, name, about, action, "styles", priority=True)


def _pictures(command: str, key: str, name: str, about: str, action: str) -> Command:
    return Command(command, key, name, about, action, "pictures", footer=True)


COMMANDS: tuple[Command, ...] = (
    _app("palette", "ctrl+p", "Commands", "Find a command by its name.", "command_palette", footer=True),
    _app("help", "f1", "Help", "Show every key.", "help", footer=True),
    _app("quit", "ctrl+q", "Quit", "Leave; asks only where something would be lost.", "leave", footer=True),
    _app("theme", "ctrl+t", "Theme", "Choose other colours.", "theme"),
    Command("suspend", "ctrl+z", "Suspend", "Back to the shell for a while; `fg` returns.", "suspend_process", "app"),
    _main("start", "ctrl+r", "Start", "Draw the story as it is set up now.", "start", "idle"),
    Command(
        "pause",
        "f7",
        "Pause",
        "Pause once the pictures in hand are drawn; once more goes on.",
        "pause",
        "main",
        True,
        True,
        "running",
        "Go on",
    ),
    _main("finish", "f8", "Stop after this", "Draw the pictures in hand to their end, then stop.", "finish", "running"),
    _main("stop", "f9", "Stop now", "Stop within a step; what is half drawn is lost.", "stop", "running"),
    _main("runs", "ctrl+n", "Runs", "Show the runs that were begun, and look at one.", "runs"),
    _main("resume", "f6", "Go on", "Draw what the run that is shown still lacks.", "resume", "begun"),
    _main("let_go", "f10", "Free memory", "Let the loaded model go while nothing is drawn.", "let_go", "loaded"),
    _main("patterns", "ctrl+g", "Ready regexes", "Choose a regex that matches this text.", "patterns", "idle"),
    _main("save", "ctrl+s", "Save", "Save the settings to their file.", "save", "changed"),
    _main("show_form", "f2", "Settings", "Go to the settings.", "show('form')"),
    _main("show_story", "f3", "Story", "Go to the story.", "show('story')"),
    _main("show_pictures", "f4", "Pictures", "Go to the pictures.", "show('pictures')"),
    _main("show_log", "f5", "Log", "Go to the log.", "show('log')"),
    Command("picture_before", "left", "Before", "Show the prompt before.", "walk(-1)", "pictures"),
    Command("picture_next", "right", "Next", "Show the next prompt.", "walk(1)", "pictures"),
    Command("style_before", "up", "Style up", "Choose the style before.", "style(-1)", "pictures"),
    Command("style_next", "down", "Style down", "Choose the next style.", "style(1)", "pictures"),
    _pictures("picture_full", "z", "Full screen", "Show the chosen picture full screen.", "screen.full"),
    _pictures("redraw", "r", "Again", "Draw it again, or take an older one back.", "screen.redraw"),
    _pictures("picture_grid", "g", "Chapter", "Show the chapter's pictures side by side.", "screen.grid"),
    _pictures("protocol", "p", "Protocol", "Show pictures in the next way: sixel, kitty …", "protocol"),
    _pictures("terminal", "t", "Terminal", "Show what this terminal can do.", "screen.terminal"),
    Command("full_before", "left", "Before", "Show the prompt before.", "walk(-1)", "picture"),
    Command("full_next", "right,space", "Next", "Show the next prompt.", "walk(1)", "picture"),
    Command("full_style_before", "up", "Style up", "Show the style before.", "style(-1)", "picture"),
    Command("full_style_next", "down", "Style down", "Show the next style.", "style(1)", "picture"),
    Command("full_protocol", "p", "Protocol", "Show the picture in the next way.", "protocol", "picture"),
    Command("full_close", "escape,z", "Back", "Back to the panes.", "close", "picture"),
    Command("grid_left", "left", "Left", "Choose the picture before.", "choose(-1, 0)", "grid"),
    Command("grid_right", "right", "Right", "Choose the next picture.", "choose(1, 0)", "grid"),
    Command("grid_up", "up", "Up", "Choose the picture above.", "choose(0, -1)", "grid"),
    Command("grid_down", "down", "Down", "Choose the picture below.", "choose(0, 1)", "grid"),
    Command("grid_page_before", "pageup", "Page up", "Show the page before.", "page(-1)", "grid"),
    Command("grid_page_next", "pagedown", "Page down", "Show the next page.", "page(1)", "grid"),
    Command("grid_open", "enter", "Show", "Back to the panes, at the chosen prompt.", "open", "grid"),
    Command("grid_close", "escape,g", "Back", "Back to the panes.", "close", "grid"),
    Command("terminal_forget", "f", "Forget", "Ask the terminal again at the next start.", "forget", "terminal"),
    Command("terminal_close", "escape,t", "Back", "Back to the panes.", "close", "terminal"),
    Command(
        "leave_out", "space", "Leave out", "Leave a prompt or chapter out, or put it back.", "leave_out", "story", True
    ),
    Command("find", "slash", "Find", "Show only the prompts that hold some words.", "find", "story", True),
    Command("details", "d", "Details", "Show where a prompt's pictures come from.", "details", "story", True),
    Command("plan", "p", "Plan", "Show every picture that a start would draw.", "plan", "story", True),
    Command("follow", "f", "Follow", "Let the cursor go with the run again.", "follow", "story", True, when="running"),
    Command("next_failed", "n", "Next failed", "Go to the next failed picture.", "go_to_failed(1)", "story"),
    Command("previous_failed", "N", "Failed before", "Go to the failed picture before.", "go_to_failed(-1)", "story"),
    Command("clear_filter", "escape", "Show all", "Leave the filter: show all prompts again.", "clear_filter", "story"),
    Command("open", "enter", "Open", "Show a prompt's pictures; fold a chapter.", "open", "tree"),
    Command("fold_all", "e", "Fold all", "Unfold all chapters, or fold them.", "fold_all", "tree"),
    Command("fold", "left", "Fold", "Fold a chapter, or go to the prompt's chapter.", "fold", "tree"),
    Command("unfold", "right", "Unfold", "Unfold a chapter, or go to its first prompt.", "unfold", "tree"),
    Command("up", "up,k", "Up", "Go a line up.", "move(-1)", "tree"),
    Command("down", "down,j", "Down", "Go a line down.", "move(1)", "tree"),
    Command("page_up", "pageup", "Page up", "Go a page up.", "move_pages(-1)", "tree"),
    Command("page_down", "pagedown", "Page down", "Go a page down.", "move_pages(1)", "tree"),
    Command("first", "home", "First", "Go to the first line.", "move_to_end(-1)", "tree"),
    Command("last", "end", "Last", "Go to the last line.", "move_to_end(1)", "tree"),
    Command("log_filter", "slash", "Filter", "Show only lines with these words.", "filter", "log", True),
    Command("log_level", "l", "Level", "Show all lines, warnings and errors, or errors alone.", "level", "log", True),
    Command("log_follow", "f", "Follow", "Keep the newest line in sight, or not.", "follow", "log", True),
    Command("log_copy", "c", "Copy", "Copy the lines that are shown to the clipboard.", "copy", "log", True),
    Command("log_unfilter", "escape", "All lines", "Drop the filter of the log.", "unfilter", "log"),
    _form("undo", "ctrl+u", "Undo", "Take the last change of the settings back.", "undo", "changed"),
    _form("redo", "ctrl+y", "Redo", "Make the change again that was taken back.", "redo"),
    _form("revert", "ctrl+l", "Revert", "Go back to the saved settings; can be undone.", "revert"),
    _form("save_as", "f12", "Save as", "Save the settings under another name.", "save_as"),
    _form("find_option", "ctrl+f", "Find", "Go to an option by its name.", "find", "always"),
    _form("browse", "ctrl+o", "Browse", "Choose a file, or one of the known values.", "browse"),
    _form("field_up", "up", "Up", "Go to the setting above.", "go(-1)"),
    _form("field_down", "down", "Down", "Go to the setting below.", "go(1)"),
    _form("field_done", "enter", "Done", "Go from a field of one line to the next.", "next"),
    _form("field_next", "tab", "Next", "Go to the next field, from the last one to the story.", "leave(1)"),
    _form("field_before", "shift+tab", "Before", "Go to the field before.", "leave(-1)"),
    _form("group_up", "pageup", "Group up", "Go to the group of settings above.", "go_group(-1)"),
    _form("group_down", "pagedown", "Group down", "Go to the group of settings below.", "go_group(1)"),
    _number("number_up", "plus", "More", "A step up.", "step(1)"),
    _number("number_down", "minus", "Less", "A step down.", "step(-1)"),
    Command("choice_next", "right,space", "Next", "The next value.", "turn(1)", "choice", True),
    Command("choice_before", "left", "Before", "The value before.", "turn(-1)", "choice"),
    Command("choice_clear", "backspace,delete", "Default", "Take it out of the file.", "clear", "choice", True),
    Command("group_toggle", "enter,space", "Fold", "Open or close the group.", "turn", "group", True),
    Command("group_open", "right", "Open", "Open the group.", "fold(False)", "group"),
    Command("group_close", "left", "Close", "Close the group.", "fold(True)", "group"),
    _style("edit", "enter", "Edit", "Type into the cell; once more keeps it."),
    _style("add", "a", "Add", "Add a style below this one."),
    _style("copy", "d", "Duplicate", "Add a copy of this style."),
    _style("delete", "delete,backspace", "Delete", "Take this style out."),
    _style("switch", "space", "On/off", "Switch this style off or on."),
    _style("up", "shift+up,K", "Move up", "Move this style up.", "move(-1)"),
    _style("down", "shift+down,J", "Move down", "Move this style down.", "move(1)"),
    _cell("cell_up", "up", "Up", "Go to the style above.", "walk(-1, 0)"),
    _cell("cell_down", "down", "Down", "Go to the style below.", "walk(1, 0)"),
    _cell("cell_left", "left", "Left", "Go to the cell at the left.", "walk(0, -1)"),
    _cell("cell_right", "right", "Right", "Go to the cell at the right.", "walk(0, 1)"),
    Command("cell_back", "escape", "Take back", "Undo what was typed into the cell.", "cancel", "styles", True),
    _cell("style_more", "plus", "More", "A step more weight.", "step(1)"),
    _cell("style_less", "minus", "Less", "A step less weight.", "step(-1)"),
)

BY_ID = {command.id: command for command in COMMANDS}


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


def shown_keys(command: Command, keymap: Mapping[str, str] | None = None) -> str:
    """A command's keys as people know them, such as "^r" or "F1", the user's own where there are some."""
    keys = (keymap or {}).get(command.id, command.key)
    return " ".join(shown_key(key.strip()) for key in keys.split(","))


def shown_key(key: str) -> str:
    """One key: "ctrl+r" is "^r", "f1" is "F1", "slash" is "/"."""
    *modifiers, last = key.split("+")
    name = format_key(last)
    name = name.upper() if len(name) > 1 and name[0] == "f" and name[1:].isdigit() else name
    return "".join("^" if modifier == "ctrl" else f"{modifier} " for modifier in modifiers) + name


def key_table() -> str:
    """All commands as Markdown, for the README."""
    rows = [f"| {SCOPES[each.scope]} | `{shown_keys(each)}` | {each.help} | `{each.id}` |" for each in COMMANDS]
    return "\n".join(["| where | key | | name |", "|---|---|---|---|", *rows, ""])
