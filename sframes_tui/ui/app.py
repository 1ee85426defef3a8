"""The application: themes, keys, dialogues that belong to no screen, and the way out.

What it imports at its top is loaded before the first paint, so that is little; the rest comes right after it.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import App, SystemCommand
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key, Print
from textual.message import Message
from textual.screen import Screen

from sframes_tui.errors import SFramesError
from sframes_tui.printable import one_line
from sframes_tui.process.workers import UnawaitedThreads
from sframes_tui.ui.commands import BY_ID, COMMANDS, Command, bindings, shown_keys
from sframes_tui.ui.fenced.driver import SteadyDriver
from sframes_tui.ui.keymap import load_keymap
from sframes_tui.ui.opening import FirstScreen, Opening
from sframes_tui.ui.themes import DEFAULT, SIXTEEN_COLOURS, load_themes, recall, remember

if TYPE_CHECKING:
    from sframes_tui.config.document import Document
    from sframes_tui.run.beside.hangup import Underway
    from sframes_tui.run.events import Level
    from sframes_tui.ui.main_screen import MainScreen

OUTPUT_SECONDS = 0.5
"""How often the log takes in what native libraries wrote."""

EARLY_SECONDS = 0.1
"""Between keys that were pressed too early: time for one to be taken before the next."""


@dataclass
class Told(Message):
    """A line for the log, from any thread."""

    level: "Level"
    line: str


@dataclass
class Loaded(Message):
    """The document is read, and all code is there to show it."""

    document: "Document"


class SFramesApp(App[None]):
    """The whole screen."""

    CSS_PATH = "app.tcss"
    TITLE = "S-Frames"
    BINDINGS = bindings("app")
    COMMAND_PALETTE_BINDING = BY_ID["palette"].key

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self._opening = opening
        self.main: MainScreen | None = None
        """There once everything is loaded."""
        self.fault: SFramesError | None = None
        """Why it had to end before it began."""
        self.last_key = 0.0
        """When a key was pressed last, in `time.monotonic()`: pictures make way for keys on a slow line."""
        self._told = [Told(each.level, one_line(each.text, 500)) for each in opening.told]
        self._early: list[Event] = []
        self._takes_keys = False
        self._themes, self._problems = load_themes()
        self.keymap, problems = load_keymap()
        """The user's own keys, by command."""
        self._problems += problems
        self.threads: UnawaitedThreads | None = None
        """Where thread workers run; without it, in threads that the screen's end waits for."""
        self._choose_first_theme(opening.terminal is not None and opening.terminal.few_colours)
        self.set_keymap(self.keymap)

    def get_default_screen(self) -> Screen[None]:
        return FirstScreen(self._opening.name)

    def _choose_first_theme(self, few_colours: bool) -> None:
        for theme in self._themes:
            self.register_theme(theme)
        wanted = (recall("theme"), SIXTEEN_COLOURS if few_colours else DEFAULT)
        self.theme = next((name for name in wanted if name in self.available_themes), self.theme)

    def on_mount(self) -> None:
        if self.threads is not None:
            asyncio.get_running_loop().set_default_executor(self.threads)
        self.begin_capture_print(self)
        if self._opening.native_output is not None:
            self.set_interval(OUTPUT_SECONDS, self._read_native_output)
        self.call_after_refresh(self.run_worker, self._load, thread=True)
        for problem in self._problems:
            self.notify(one_line(problem, 300), severity="warning", timeout=10, markup=False)

    # From the first paint to the main screen.

    def _load(self) -> None:
        """In a thread, so that the first screen answers meanwhile."""
        import sframes_tui.ui.dialogs.dialogs
        import sframes_tui.ui.dialogs.help
        import sframes_tui.ui.main_screen  # noqa: F401 - from here on they are there at once

        try:
            self.post_message(Loaded(self._opening.load()))
        except SFramesError as error:
            self.fault = error
            self.exit()

    @on(Loaded)
    async def open_main(self, message: Loaded) -> None:
        from sframes_tui.ui.fenced.input import typed_keys
        from sframes_tui.ui.main_screen import MainScreen

        first, self.main = self.screen, MainScreen(self._opening, message.document)
        await self.push_screen(self.main)
        await first.remove_children()
        for told in self._told:
            self.main.tell(told.level, told.line)
        heard = self._opening.terminal.heard.typed if self._opening.terminal else b""
        self._early = [*typed_keys(heard), *self._early]
        self.call_after_refresh(self._press_early)

    async def _press_early(self) -> None:
        """Keys that were pressed before there was a screen to take them, one by one: a key may bring the focus to
        where the next belongs. Keys that come meanwhile wait for their turn.
        """
        if self._early:
            await super().on_event(self._early.pop(0))
            self.set_timer(EARLY_SECONDS, self._press_early)
        else:
            self._takes_keys = True

    @property
    def underway(self) -> "Underway | None":
        """The run that this process draws, for signals."""
        return self.main.session.underway if self.main else None

    # What is told.

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            self.last_key = time.monotonic()
            if not (self._takes_keys or event.is_forwarded):
                self._early.append(event)
                return
        await super().on_event(event)

    def tell(self, level: "Level", line: str) -> None:
        """Adds a line to the log, from any thread."""
        self.post_message(Told(level, line))

    @on(Told)
    def take_told(self, message: Told) -> None:
        if self.main is None:
            self._told.append(message)
        else:
            self.main.tell(message.level, message.line)

    def on_print(self, message: Print) -> None:
        """What any thread prints while the screen is up."""
        if message.text.strip():
            self.tell("info", message.text.rstrip())

    def _read_native_output(self) -> None:
        for line in self._opening.native_output.read_lines() if self._opening.native_output else ():
            self.tell("info", line)

    # Commands.

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
        from sframes_tui.ui.dialogs.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.keymap))

    def action_theme(self) -> None:
        from sframes_tui.ui.dialogs.dialogs import ThemeDialog

        if not isinstance(self.screen, ThemeDialog):
            names = [theme.name for theme in self._themes]
            self.push_screen(ThemeDialog(names), lambda name: remember("theme", name) if name else None)

    def action_leave(self) -> None:
        """Leaves at once, unless something would be lost."""
        if self.main is None or not (self.main.session.drawing or self.main.document.unsaved):
            self._leave()
            return
        from sframes_tui.ui.dialogs.dialogs import Question, leave_question

        if not isinstance(self.screen, Question):
            state = self.main.session.state
            progress = f"{state.settled} of {state.frames} pictures are drawn" if self.main.session.drawing else ""
            question = leave_question(self.main.document.unsaved, progress)
            self.push_screen(question, lambda answer: self._leave() if answer == "yes" else None)

    def _leave(self) -> None:
        if self.main is not None:
            self.main.session.leave()
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
