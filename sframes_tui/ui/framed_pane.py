"""A pane whose frame says something.

Textual draws all of a pane anew for a word on its frame, and a sixel within would be sent again: over a network for
seconds. To say which lines are to be drawn is `refresh`'s own argument, but what sets a title doesn't give it.
"""

from typing import Self

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region


class FramedPane(Vertical):
    """The words on its frame change without what is inside being drawn anew."""

    _framing = False

    def show_title(self, words: str) -> None:
        """Words for the upper line of the frame, shown literally."""
        self._frame("border_title", words)

    def show_subtitle(self, words: str) -> None:
        """Words for the lower line of the frame, shown literally."""
        self._frame("border_subtitle", words)

    def _frame(self, line: str, words: str) -> None:
        title = Content(words)  # a plain string would be read as markup
        if title.markup == (getattr(self, line) or ""):
            return
        self._framing = True
        try:
            setattr(self, line, title)
        finally:
            self._framing = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Textual's own, but for a word on the frame only its two lines are drawn."""
        if self._framing and not regions:
            width, height = self.content_size
            regions = (Region(0, -1, width, 1), Region(0, height, width, 1))
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
