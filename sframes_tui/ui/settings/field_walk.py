"""The keys that walk through the fields of a form, at any depth.

Focus is set at once, not in a message: keys that were typed ahead go into the field that they are meant for.
"""

from textual.actions import SkipAction
from textual.dom import DOMNode
from textual.widget import Widget

from sframes_tui.ui.settings.fields import FormField, TextField
from sframes_tui.ui.settings.option_group import GroupTitle
from sframes_tui.ui.settings.style_table import StyleTable


class FieldWalk:
    """Moves the focus within a form."""

    def __init__(self, form: Widget) -> None:
        self._form = form
        self._last: Widget | None = None

    def arrive(self, widget: Widget) -> None:
        """The focus is here now."""
        self._last = widget.parent if isinstance(widget.parent, StyleTable) else widget

    def back(self, scroll_visible: bool) -> None:
        """To the field that had the focus last, or the first one."""
        target = self._last if self._last is not None and self._last.is_attached else self._first()
        if target is not None:
            self._form.screen.set_focus(target, scroll_visible)

    def _first(self) -> Widget | None:
        stops = self._stops()
        return next((each for each in stops if not isinstance(each, GroupTitle)), stops[0] if stops else None)

    def _stops(self) -> list[Widget]:
        """What can have the focus here, from top to bottom."""
        chain = [each for each in self._form.screen.focus_chain if self._form in each.ancestors]
        return [each for each in chain if not isinstance(each.parent, StyleTable)]

    def go(self, by: int) -> None:
        """To the field above or below, unless the key is the field's own."""
        kept = [each for each in self._focused_path() if isinstance(each, StyleTable | FormField)]
        if any(each.keeps(by) for each in kept):
            raise SkipAction
        self.leave(by)

    def next(self) -> None:
        """From a field of one line to the one below."""
        focused = self._form.screen.focused
        if not isinstance(focused, TextField) or isinstance(focused.parent, StyleTable) or focused.keeps(1):
            raise SkipAction
        self.leave(1)

    def leave(self, by: int) -> None:
        """To the next field or the one before; beyond the last, to the next pane."""
        stops, path = self._stops(), self._focused_path()
        at = next((at for at, each in enumerate(stops) if each in path), 0) + by
        if not 0 <= at < len(stops) or any(isinstance(each, TextField) and each.completing for each in path):
            raise SkipAction
        self._form.screen.set_focus(stops[at])

    def _focused_path(self) -> list[DOMNode]:
        focused = self._form.screen.focused
        return focused.ancestors_with_self if focused is not None else []

    def go_group(self, by: int) -> None:
        """To the title of the group below or above; from within a group first to its own title."""
        titles = [each for each in self._stops() if isinstance(each, GroupTitle)]
        path = self._focused_path()
        here = next((at for at, title in enumerate(titles) if title.parent in path), 0)
        to = here if by < 0 and titles[here] not in path else here + by
        self._form.screen.set_focus(titles[max(0, min(to, len(titles) - 1))])
