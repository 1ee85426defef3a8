"""The settings form on its own, for tests that press its keys."""

from contextlib import asynccontextmanager

from textual.app import App
from textual.events import Key

from sframes_tui.config.document import Document
from sframes_tui.ui.settings.form import ConfigForm
from sframes_tui.ui.settings.option_row import OptionRow
from sframes_tui.ui.settings.style_table import StyleTable
from tests.ui.conftest import until

TEXT = """# my story
[prompt_config]
source = "story.txt"  # the text

[generation_config]
model = "builtin:picturebook"
seed = 3 # lucky

# the soft one
[[style_configs]]
style = "soft"
file_tag = "soft"
weight = 0.5

# the hard one
[[style_configs]]
style = "hard"
file_tag = "hard"
weight = 1.0
"""


class FormApp(App):
    """Nothing but the form, and what it said."""

    def __init__(self, document):
        super().__init__()
        self.form = ConfigForm(document)
        self.edited = []

    def compose(self):
        yield self.form

    def on_config_form_edited(self, message):
        self.edited.append(message.document)

    @property
    def document(self):
        return self.form.document


@asynccontextmanager
async def form_of(path, size=(100, 40)):
    app = FormApp(Document.open(path))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.query(StyleTable) and len(app.query(OptionRow)) > 20)
        yield app, pilot


async def go_to(app, pilot, path):
    app.form.focus_option(path)
    await until(pilot, lambda: getattr(app.focused, "path", "") == path)


KEYS = {" ": "space", ".": "full_stop", "/": "slash", "(": "left_parenthesis", "[": "left_square_bracket", "-": "minus"}
KEYS |= {
    "]": "right_square_bracket",
    "\\": "backslash",
    "=": "equals_sign",
    ":": "colon",
    "@": "at",
    '"': "quotation_mark",
}


async def write(pilot, text):
    await pilot.press(*(KEYS.get(letter, letter) for letter in text))


def key_event(app, key):
    event = Key(key, " " if key == "space" else key if len(key) == 1 else None)
    event.set_sender(app)
    return event
