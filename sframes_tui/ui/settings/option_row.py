"""One option of the settings form: its name, its mark, its control, and what is wrong with it."""

from textual.app import ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.widgets import Static

from sframes_tui.config.document import Document
from sframes_tui.config.options import Option
from sframes_tui.printable import one_line, printable

LABEL_WIDTH = 25
"""Columns of the longest name and its mark."""
LONG = ("path", "regex", "model", "command", "long text")
"""Controls whose text needs a line of its own in a narrow form."""


class OptionRow(Grid):
    """A line of the form, and below it a sentence where the value is wrong."""

    DEFAULT_CSS = f"""
    OptionRow {{
        grid-size: 2; grid-columns: {LABEL_WIDTH + 1} 1fr; grid-rows: auto; height: auto; grid-gutter: 0;
        & > .name {{ color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }}
        &:focus-within > .name {{ color: $accent; text-style: bold; }}
        & > .problem {{ column-span: 2; color: $text-error; padding-left: 2; display: none; }}
        &.-wrong > .problem {{ display: block; }}
    }}
    """

    def __init__(self, option: Option, document: Document, path: str = "") -> None:
        """`path` is where the value stands, if not where the option says."""
        super().__init__(classes="-long" if option.control in LONG else "")
        self.option, self.path = option, path or option.path
        from sframes_tui.ui.settings.long_text_field import make_field

        self.field = make_field(option, self.path)
        self._label = Static(self._label_text(document), classes="name", markup=False)
        self._problem = Static(classes="problem", markup=False)
        self._shown: tuple[bool, str] = (False, "")
        self._document = document

    def compose(self) -> ComposeResult:
        yield self._label
        yield self.field
        yield self._problem

    def on_mount(self) -> None:
        self.show_document(self._document)

    def show_document(self, document: Document) -> None:
        """The value, whether it is changed, and what is wrong with it."""
        self.field.show_value(document.value(self.path))
        problem = document.problems.get(self.path, "")
        shown = (self.path in document.changed, problem)
        if shown != self._shown:
            self._shown = shown
            self._label.update(self._label_text(document))
            self._problem.update(Content(printable(problem)))
            self.set_class(bool(problem), "-wrong")

    def on_click(self) -> None:
        self.field.focus()

    def _label_text(self, document: Document) -> Content:
        mark = ("● ", "$text-warning") if self.path in document.changed else "  "
        name = one_line(self.option.key, LABEL_WIDTH - 2)
        return Content.assemble(mark, (name, "$text-error") if self.path in document.problems else name)
