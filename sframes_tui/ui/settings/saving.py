"""Saving the settings from the screen: asks for a name, and before something would be overwritten."""

from collections.abc import Callable
from pathlib import Path

from textual.widget import Widget

from sframes_tui.config.document import Document
from sframes_tui.errors import ChangedOnDiskError, SFramesError
from sframes_tui.printable import printable
from sframes_tui.ui.dialogs.dialogs import Answer, Question


class ConfigSaving:
    """Saves on behalf of a widget; `saved` takes the document as it was saved."""

    def __init__(self, widget: Widget, saved: Callable[[Document], None]) -> None:
        self._widget, self._saved = widget, saved

    def save(self, document: Document) -> None:
        """Under its name, or asks for one."""
        if document.path is None:
            self.ask_for_name(document)
        else:
            self._try(lambda overwrite: document.save(overwrite=overwrite))

    def ask_for_name(self, document: Document) -> None:
        from sframes_tui.ui.dialogs.files import pick_name  # takes a while to load

        def take(path: Path) -> None:
            named = path if path.suffix else path.with_suffix(".toml")
            self._try(lambda overwrite: document.save_as(named, overwrite=overwrite))

        start = document.path.absolute() if document.path else Path.cwd() / "story.toml"
        pick_name(self._widget, start, "Save the settings as", take)

    def _try(self, save: Callable[[bool], Document]) -> None:
        try:
            self._saved(save(False))
        except ChangedOnDiskError as error:
            answers = (Answer("yes", "y", "overwrite it"), Answer("no", "n", "leave it"))
            question = Question("Overwrite the file?", [str(error).split(";")[0] + "."], answers)
            self._widget.app.push_screen(question, lambda answer: self._overwrite(save) if answer == "yes" else None)
        except SFramesError as error:
            self._complain(error)

    def _overwrite(self, save: Callable[[bool], Document]) -> None:
        try:
            self._saved(save(True))
        except SFramesError as error:
            self._complain(error)

    def _complain(self, error: SFramesError) -> None:
        self._widget.notify(printable(str(error)), severity="error", timeout=10, markup=False)
