"""Ready regexes that match this text, to choose one from.

Each is tried in a thread, and those that match are shown as they come: a long text takes seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from sframes_tui.config.document import Document
from sframes_tui.config.timed_regex import SearchStoppedError, shown
from sframes_tui.errors import SFramesError
from sframes_tui.printable import one_line
from sframes_tui.text.patterns import CHAPTER_PATTERNS, PROMPT_PATTERNS, Offer, each_offer

GROUPS = (
    ("prompt_config.chapter_split_regex", "Chapters begin at", CHAPTER_PATTERNS),
    ("prompt_config.prompt_split_regex", "Prompts are parted by", PROMPT_PATTERNS),
)

Choice = tuple[str, str]
"""An option's path and the regex for it."""


class PatternPicker(ModalScreen[Choice | None]):
    """Shows how often each ready regex matches and what it finds; Enter takes one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close")]
    DEFAULT_CSS = """
    PatternPicker > .dialog { padding: 0 1; }
    PatternPicker OptionList, PatternPicker OptionList:focus {
        height: auto; max-height: 100%; border: none; padding: 0; background: $surface;
    }
    PatternPicker #looking { color: $text-muted; height: auto; margin: 0; }
    """

    @dataclass
    class Offered(Message):
        """A ready regex matches; None once all were tried, with what went wrong."""

        path: str
        offer: Offer | None
        problem: str = ""

    def __init__(self, read_text: Callable[[], str], document: Document) -> None:
        """`read_text` is called in a thread; it may raise `SFramesError`."""
        super().__init__()
        self._read_text, self._document = read_text, document
        self._choices: list[Choice] = []
        self._headed: set[str] = set()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title, box.border_subtitle = "Ready regexes that match this text", "enter takes one · esc closes"
            yield OptionList(markup=False)
            yield Static("looking …", id="looking", markup=False)

    def on_mount(self) -> None:
        self._look()

    @work(thread=True, exit_on_error=False)
    def _look(self) -> None:
        worker = get_current_worker()
        try:
            text = self._read_text()
            for path, _, patterns in GROUPS:
                for offer in each_offer(patterns, text, lambda: worker.is_cancelled):
                    self.post_message(self.Offered(path, offer))
            self.post_message(self.Offered("", None))
        except SFramesError as error:
            self.post_message(self.Offered("", None, str(error)))
        except SearchStoppedError:
            return

    @on(Offered)
    def _add(self, message: Offered) -> None:
        if message.offer is None:
            hint = self.query_one("#looking", Static)
            hint.display = bool(message.problem) or not self._choices
            hint.update(one_line(message.problem) or "No ready regex matches this text.")
            return
        options = self.query_one(OptionList)
        if message.path not in self._headed:
            self._headed.add(message.path)
            title = next(title for path, title, _ in GROUPS if path == message.path)
            options.add_option(Option(Content.styled(title, "bold $accent"), disabled=True))
        in_use = self._document.value(message.path) == message.offer.ready.pattern
        self._choices.append((message.path, message.offer.ready.pattern))
        options.add_option(Option(_described(message.offer, in_use), id=str(len(self._choices) - 1)))
        if options.highlighted is None:
            options.highlighted = 1

    @on(OptionList.OptionSelected)
    def _choose(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[int(message.option_id or 0)])

    def action_close(self) -> None:
        self.dismiss(None)


def _described(offer: Offer, in_use: bool) -> Content:
    """Name, matches and sample on one line, the regex below."""
    matches = "1 match" if offer.matches == 1 else f"{offer.matches:,} matches"
    return Content.assemble(
        ("● " if in_use else "  ", "$success"),
        (f"{offer.ready.name:<17}", "bold"),
        (f"{matches:>15}  ", "$text-muted"),
        one_line(offer.sample, 50),
        (f"\n    {shown(offer.ready.pattern, 200)[1:-1]}", "$text-muted"),
    )
