"""The application: themes, keys, dialogues that belong to no screen, and the way out. Must not import torch."""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.app import App, SystemCommand
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key, Print
from textual.message import Message
from textual.screen import Screen

from sframes_tui.printable import one_line
from sframes_tui.run.events import Level
from sframes_tui.ui.commands import BY_ID, COMMANDS, Command, bindings, shown_keys
from sframes_tui.ui.dialogs import Question, ThemeDialog, leave_question
from sframes_tui.ui.driver import SteadyDriver
from sframes_tui.ui.help_screen import HelpScreen
from sframes_tui.ui.keymap import load_keymap
from sframes_tui.ui.main_screen import MainScreen
from sframes_tui.ui.opening import Opening
from sframes_tui.ui.remembered import recall, remember
from sframes_tui.ui.suspending import guard_continue
from sframes_tui.ui.terminal_input import typed_keys
from sframes_tui.ui.themes import DEFAULT, SIXTEEN_COLOURS, load_themes

OUTPUT_SECONDS = 0.5
"""How often the log takes in what native libraries wrote."""


@dataclass
class Told(Message):
    """A line for the log, from another thread."""

    level: Level
    line: str


class SFramesApp(App[None]):
    """The whole screen."""

    CSS_PATH = "app.tcss"
    TITLE = "S-Frames"
    BINDINGS = bindings("app")
    COMMAND_PALETTE_BINDING = BY_ID["palette"].key

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self._native_output = opening.native_output
        self.last_key = 0.0
        """When a key was pressed last, in `time.monotonic()`: pictures make way for keys on a slow line."""
        self._typed = opening.terminal.heard.typed if opening.terminal else b""
        self.main = MainScreen(opening)
        self._themes, self._problems = load_themes()
        self.keymap, problems = load_keymap()
        """The user's own keys, by command."""
        self._problems += problems
        self._choose_first_theme(opening.terminal is not None and opening.terminal.few_colours)
        self.set_keymap(self.keymap)

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def _choose_first_theme(self, few_colours: bool) -> None:
        for theme in self._themes:
            self.register_theme(theme)
        wanted = (recall("theme"), SIXTEEN_COLOURS if few_colours else DEFAULT)
        self.theme = next((name for name in wanted if name in self.available_themes), self.theme)

    def on_mount(self) -> None:
        guard_continue()
        self.begin_capture_print(self)
        if self._native_output is not None:
            self.set_interval(OUTPUT_SECONDS, self._read_native_output)
        self.call_after_refresh(self._take_typed)
        for problem in self._problems:
            self.notify(one_line(problem, 300), severity="warning", timeout=10, markup=False)

    def _take_typed(self) -> None:
        """Keys that were pressed before there was a screen."""
        for event in typed_keys(self._typed):
            self.post_message(event)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            self.last_key = time.monotonic()
        await super().on_event(event)

    def on_print(self, message: Print) -> None:
        """What any thread prints while the screen is up."""
        if message.text.strip():
            self.main.tell("info", message.text.rstrip())

    def tell(self, level: Level, line: str) -> None:
        """Adds a line to the log, from any thread."""
        self.post_message(Told(level, line))

    @on(Told)
    def take_told(self, message: Told) -> None:
        self.main.tell(message.level, message.line)

    def _read_native_output(self) -> None:
        for line in self._native_output.read_lines() if self._native_output else ():
            self.main.tell("info", line)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette finds: every command that somebody on the screen answers to."""
        for command in COMMANDS:
            if command.id != "palette" and (node := _answering(screen, command)) is not None:
                keys = shown_keys(command, self.keymap)
                run = partial(self._run, command, node)
                yield SystemCommand(f"{command.name}  ({keys})", command.help, run)

    async def _run(self, command: Command, node: DOMNode) -> None:
        await self.run_action(command.action, node)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.keymap))

    def action_theme(self) -> None:
        if not isinstance(self.screen, ThemeDialog):
            names = [theme.name for theme in self._themes]
            self.push_screen(ThemeDialog(names), lambda name: remember("theme", name) if name else None)

    def action_leave(self) -> None:
        """Leaves at once, unless something would be lost."""
        running, state = self.main.session.running, self.main.session.state
        progress = f"{state.settled} of {state.frames} pictures are drawn" if running else ""
        if not running and not self.main.document.unsaved:
            self.exit()
        elif not isinstance(self.screen, Question):
            question = leave_question(self.main.document.unsaved, progress)
            self.push_screen(question, lambda answer: self._leave() if answer == "yes" else None)

    def _leave(self) -> None:
        self.main.session.stop()
        self.exit()

    def let_go(self) -> None:
        """Asks the screen to go, from any thread, while a run goes on; nothing where it isn't up."""
        with contextlib.suppress(RuntimeError):
            self.call_later(self.exit)

    def get_driver_class(self) -> type[Driver]:
        """Textual's own choice, but for a real terminal one that bears its loss."""
        chosen = super().get_driver_class()
        return SteadyDriver if chosen is LinuxDriver else chosen


def _answering(screen: Screen[object], command: Command) -> DOMNode | None:
    """The app, the screen or the widget that has a command among its own bindings."""
    nodes: list[DOMNode] = [screen.app, screen, *screen.query("*")]
    own = (node for node in nodes if any(getattr(each, "id", None) == command.id for each in type(node).BINDINGS))
    return next(own, None)
