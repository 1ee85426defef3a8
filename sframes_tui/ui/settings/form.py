"""The settings: every option of the configuration, edited with the keyboard alone.

The form owns the document while it is edited: fields and the table of styles tell it what a person wants, it makes
the new document and shows it to all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.markup import escape
from textual.message import Message
from textual.widgets import Static

from sframes_tui.config.document import Document
from sframes_tui.config.option_text import in_words, unknown_option
from sframes_tui.config.options import Option, flat, options
from sframes_tui.printable import counted, one_line, printable
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.settings.field_walk import FieldWalk
from sframes_tui.ui.settings.fields import FieldEdited, FieldLeft, TextField
from sframes_tui.ui.settings.option_group import GroupTitle, OptionGroup
from sframes_tui.ui.settings.option_row import OptionRow
from sframes_tui.ui.settings.saving import ConfigSaving
from sframes_tui.ui.settings.style_table import Change, StyleTable

OPEN = ("Story", "Styles", "Model and steps")
"""Groups that are open at first."""
TITLE_HELP = "Enter opens and closes a group, page up and down go from one to the next."
SLIM = 60
"""Below so many columns a text stands under its name."""


class FieldList(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls to the field that has the focus; the keys that scroll elsewhere walk through the fields."""


class ConfigForm(Vertical):
    """Shows and changes a document; `document` is the newest."""

    BINDINGS = bindings("form")
    DEFAULT_CSS = """
    ConfigForm {
        & > #form-problem { height: auto; max-height: 4; color: $text-error; display: none; }
        &.-troubled > #form-problem { display: block; }
        & > #form-help { height: auto; min-height: 4; max-height: 10; border-top: solid $panel; color: $text-muted; }
        & > #form-fields { height: 1fr; scrollbar-size-vertical: 1; }
        &.-slim > #form-help { min-height: 6; }
        &.-slim OptionRow.-long {
            grid-size: 1; grid-columns: 1fr;
            & > .problem { column-span: 1; }
            & > TextField, & > LongTextField { margin-left: 2; }
        }
    }
    """

    @dataclass
    class Edited(Message):
        """The document is another one now."""

        document: Document

    def __init__(self, document: Document) -> None:
        super().__init__(id="form")
        self.document = document
        self._groups = [*self._make_groups()]
        self._banner, self._titles = "", (False, "", -1)
        self._saving, self._walk = ConfigSaving(self, self._saved), FieldWalk(self)

    # What there is.

    def _make_groups(self) -> Iterator[OptionGroup]:
        named = {name: list(group) for name, group in groupby(options(), key=lambda option: option.group)}
        for name in sorted(named, key=lambda name: OPEN.index(name) if name in OPEN else len(OPEN)):
            if name == "Styles":
                yield OptionGroup(name, ["style_configs"], lambda: [StyleTable(self.document, self._change_styles)])
            else:
                yield self._group(name, named[name])
        if unknown := [unknown_option(path) for path in self.document.unknown]:
            yield self._group("Unknown keys", unknown)

    def _group(self, name: str, members: Sequence[Option]) -> OptionGroup:
        paths = [option.path.strip(".") for option in members]
        return OptionGroup(
            name,
            paths,
            lambda: [OptionRow(option, self.document, path) for option, path in zip(members, paths, strict=True)],
        )

    def compose(self) -> ComposeResult:
        yield Static(id="form-problem", markup=False)
        with FieldList(id="form-fields"):
            yield from self._groups
        yield Static(id="form-help", markup=False)

    def on_mount(self) -> None:
        self._show()
        self.call_after_refresh(self._open_groups)

    async def _open_groups(self) -> None:
        """After the first paint, which must not wait for the fields."""
        for group in self._groups:
            if group.title.title in (*OPEN, "Unknown keys"):
                await group.fold(False)
        self._show()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < SLIM, "-slim")

    # What it holds.

    def show_document(self, document: Document) -> None:
        """Takes a document from outside, such as one that was just opened."""
        self.document = document
        self._show()

    def set_value(self, path: str, value: Any) -> None:
        """Changes an option as if it had been entered."""
        self._take(self.document.settled().with_value(path, value).settled())

    @on(FieldEdited)
    def _take_value(self, message: FieldEdited) -> None:
        message.stop()
        self._take(self.document.with_value(message.path, message.value, typing=message.typing))

    @on(FieldLeft)
    def _end_typing(self, message: FieldLeft) -> None:
        message.stop()
        self.document = self.document.settled()

    def _change_styles(self, change: Change) -> None:
        self._take(change(self.document))

    def _take(self, document: Document) -> None:
        if document is self.document:
            return
        self.document = document
        self._show()
        self.post_message(self.Edited(document))

    def _show(self) -> None:
        document = self.document
        for group in self._groups:
            group.show_document(document)
        self._show_titles()

    def _show_titles(self) -> None:
        problems = self.document.problems
        titles = (self.document.unsaved, self.document.title, len(problems))
        if titles != self._titles:
            # Not at every key: it draws the whole form anew.
            self._titles = titles
            mark = ("● ", "$text-warning") if self.document.unsaved else ""
            self.border_title = Content.assemble(mark, one_line(self.document.title, 40))
            self.border_subtitle = counted(len(problems), "problem") if problems else ""
        loose = [problem for path, problem in problems.items() if not any(group.holds(path) for group in self._groups)]
        banner = "\n".join(one_line(problem) for problem in loose)
        if banner != self._banner:
            self._banner = banner
            self.query_one("#form-problem", Static).update(Content(banner))
            self.set_class(bool(banner), "-troubled")

    # Where the cursor is.

    def focus(self, scroll_visible: bool = True) -> Self:
        """The field that had the focus last, or the first one."""
        self._walk.back(scroll_visible)
        return self

    def action_go(self, by: int) -> None:
        self._walk.go(by)

    def action_next(self) -> None:
        self._walk.next()

    def action_leave(self, by: int) -> None:
        self._walk.leave(by)

    def action_go_group(self, by: int) -> None:
        self._walk.go_group(by)

    def focus_option(self, path: str) -> None:
        """Puts the cursor into the field of an option, such as "generation_config.eta", its group opened."""
        self.call_later(self._focus_option, path)

    async def _focus_option(self, path: str) -> None:
        group = next((group for group in self._groups if group.holds(path)), None)
        if group is None:
            return
        await group.fold(False)
        self._show()
        if path.startswith("style_configs"):
            _, at, key, *_ = [*path.split("."), "0", "style"] if path.count(".") < 2 else path.split(".")
            self.query_one(StyleTable).focus_cell(int(at), key)
        for row in self.query(OptionRow):
            if row.path == path:
                row.field.focus()

    @on(DescendantFocus)
    def _show_help(self, event: DescendantFocus) -> None:
        self._walk.arrive(event.widget)
        row = next((each for each in event.widget.ancestors if isinstance(each, OptionRow)), None)
        if row is not None:
            self._help(row.option)
            if isinstance(event.widget, TextField):
                event.widget.complete_from(self._folder)
        elif isinstance(event.widget, GroupTitle):
            self.query_one("#form-help", Static).update(Content.styled(TITLE_HELP, "$text-muted"))

    @on(StyleTable.CellShown)
    def _show_cell(self, message: StyleTable.CellShown) -> None:
        message.stop()
        value = self.document.value(message.path)
        self._help(message.option, one_line(value) if isinstance(value, str) else "")

    def _help(self, option: Option, value: str = "") -> None:
        text = Content.assemble((f"{option.key}  ", "bold $text-primary"), printable(value or flat(option.help)), "\n")
        self.query_one("#form-help", Static).update(text + Content.styled(in_words(option), "$text-muted italic"))

    @on(GroupTitle.Folded)
    async def _fold(self, message: GroupTitle.Folded) -> None:
        message.stop()
        for group in self._groups:
            if group.title is message.title:
                await group.fold(not group.folded if message.to is None else message.to)
                # What was opened comes into sight, from its title on.
                self.call_after_refresh(group.scroll_visible, animate=False, top=not group.folded)
        self._show()

    # Help with entering.

    def action_find(self) -> None:
        """Asks for a part of an option's name and goes there."""
        commands = [
            (option.key, partial(self.focus_option, option.path), escape(flat(option.help)))
            for option in options()
            if option.section != "style_configs"
        ]
        self.app.search_commands(commands, placeholder="Name of an option")

    def action_browse(self) -> None:
        """Files to choose from for a path, for other texts the values that are known."""
        field = self.screen.focused
        if isinstance(field, TextField) and field.option.control == "path":
            from sframes_tui.ui.dialogs.files import pick_file  # takes a while to load

            pick_file(
                self, self._folder, str(self.document.value(field.path) or ""), partial(self.set_value, field.path)
            )
        elif not isinstance(field, TextField) or not field.show_completions():
            raise SkipAction

    @property
    def _folder(self) -> Path:
        """Where relative paths begin."""
        return self.document.path.absolute().parent if self.document.path else Path.cwd()

    # Undo, save.

    def action_undo(self) -> None:
        self._travel(self.document.undone())

    def action_redo(self) -> None:
        self._travel(self.document.redone())

    def _travel(self, document: Document) -> None:
        """To another state, and to the option that differs in it."""
        differing = sorted(document.current.differences(self.document.current))
        self._take(document)
        if differing:
            self.focus_option(differing[-1])

    def action_revert(self) -> None:
        self._take(self.document.reverted())

    def save(self) -> None:
        """Saves the document under its name, or asks for one."""
        self._saving.save(self.document)

    def action_save_as(self) -> None:
        self._saving.ask_for_name(self.document)

    def _saved(self, document: Document) -> None:
        self._take(document)
        wrong = f", with {counted(len(document.problems), 'problem')} left in it" if document.problems else ""
        told = f"Saved as {one_line(str(document.path), 60)}{wrong}."
        self.notify(told, severity="warning" if wrong else "information", markup=False)
