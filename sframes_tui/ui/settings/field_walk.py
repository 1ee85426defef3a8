"""The keys that walk through the fields of a form. Must not import torch.

Focus is set at once, not in a message: keys that were typed ahead go into the field that they are meant for.
"""

from typing import Self

from textual.actions import SkipAction
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.widget import Widget

from sframes_tui.ui.settings.fields import FormField, TextField
from sframes_tui.ui.settings.option_group import GroupTitle
from sframes_tui.ui.settings.style_table import StyleTable


class FieldWalk(Vertical):
    """Holds fields, at any depth. `last` is where the focus was last."""

    last: Widget | None = None

    def focus(self, scroll_visible: bool = True) -> Self:
        """The field that had the focus last, or the first one."""
        target = self.last if self.last is not None and self.last.is_attached else self._first()
        if target is not None:
            self.screen.set_focus(target, scroll_visible)
        return self

    def _first(self) -> Widget | None:
        stops = self._stops()
        return next((each for each in stops if not isinstance(each, GroupTitle)), stops[0] if stops else None)

    def _stops(self) -> list[Widget]:
        """What can have the focus here, from top to bottom."""
        chain = [each for each in self.screen.focus_chain if self in each.ancestors]
        return [each for each in chain if not isinstance(each.parent, StyleTable)]

    def action_go(self, by: int) -> None:
        """To the field above or below, unless the key is the field's own."""
        kept = [each for each in self._focused_path() if isinstance(each, StyleTable | FormField)]
        if any(each.keeps(by) for each in kept):
            raise SkipAction
        self.action_leave(by)

    def action_next(self) -> None:
        """From a field of one line to the one below."""
        focused = self.screen.focused
        if not isinstance(focused, TextField) or isinstance(focused.parent, StyleTable) or focused.keeps(1):
            raise SkipAction
        self.action_leave(1)

    def action_leave(self, by: int) -> None:
        """To the next field or the one before; beyond the last, to the next pane."""
        stops, path = self._stops(), self._focused_path()
        at = next((at for at, each in enumerate(stops) if each in path), 0) + by
        if not 0 <= at < len(stops) or any(isinstance(each, TextField) and each.completing for each in path):
            raise SkipAction
        self.screen.set_focus(stops[at])

    def _focused_path(self) -> list[DOMNode]:
        focused = self.screen.focused
        return focused.ancestors_with_self if focused is not None else []

    def action_go_group(self, by: int) -> None:
        """To the title of the group below or above; from within a group first to its own title."""
        titles = [each for each in self._stops() if isinstance(each, GroupTitle)]
        path = self._focused_path()
        here = next((at for at, title in enumerate(titles) if title.parent in path), 0)
        to = here if by < 0 and titles[here] not in path else here + by
        self.screen.set_focus(titles[max(0, min(to, len(titles) - 1))])
