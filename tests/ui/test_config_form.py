"""The settings form, by real keys."""

import asyncio
import tomllib
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.events import Key, Paste

from sframes_tui.story.document import Document
from sframes_tui.story.options import options
from sframes_tui.ui.commands import BY_ID
from sframes_tui.ui.config_form import ConfigForm
from sframes_tui.ui.dialogs import Question
from sframes_tui.ui.option_row import OptionRow
from sframes_tui.ui.style_table import StyleTable

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


@pytest.fixture
def path(tmp_path):
    (tmp_path / "story.txt").write_text("one\ntwo\n")
    path = tmp_path / "story.toml"
    path.write_text(TEXT)
    return path


@asynccontextmanager
async def form_of(path, size=(100, 40)):
    app = FormApp(Document.open(path))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.query(StyleTable) and len(app.query(OptionRow)) > 20)
        yield app, pilot


async def until(pilot, happened):
    async with asyncio.timeout(60):
        while not happened():
            await pilot.pause(0.01)


async def go_to(app, pilot, path):
    app.form.focus_option(path)
    await until(pilot, lambda: getattr(app.focused, "path", "") == path)


async def write(pilot, text):
    await pilot.press(*(KEYS.get(letter, letter) for letter in text))


KEYS = {" ": "space", ".": "full_stop", "/": "slash", "(": "left_parenthesis", "[": "left_square_bracket", "-": "minus"}
KEYS |= {
    "]": "right_square_bracket",
    "\\": "backslash",
    "=": "equals_sign",
    ":": "colon",
    "@": "at",
    '"': "quotation_mark",
}

pytestmark = pytest.mark.asyncio

ENTERED = {
    "number": ("1", 1),
    "whole number": ("2", 2),
    "seed": ("9", 9),
    "pixels": ("64", 64),
    "list": ("3", ["3"]),
    "encoding": ("utf-8", "utf-8"),
    "scheduler": ("DDIM", "DDIM"),
    "device": ("cpu", "cpu"),
}
"""What to type, by an option's name or its kind of control; "x" for all others."""


def keys_and_value(option):
    """What to press in an emptied field, and the value that comes of it."""
    if option.control == "switch":
        return ["right"], not option.preset
    if option.control == "choice":
        return ["right"], option.choices[(option.choices.index(option.preset) + 1) % len(option.choices)]
    text, value = ENTERED.get(option.key) or ENTERED.get(option.control) or ("x", "x")
    return [KEYS.get(letter, letter) for letter in text], value


GROUPS = sorted({option.group for option in options() if option.section != "style_configs"})


@pytest.mark.parametrize("group", GROUPS)
async def test_every_option_is_set_and_taken_out_by_keys_alone(path, group):
    async with form_of(path) as (app, pilot):
        while getattr(app.focused, "title", "") != group:
            await pilot.press("pagedown")
        await pilot.press("right")
        members = [option for option in options() if option.group == group]
        await until(pilot, lambda: {each.path for each in members} <= {row.path for row in app.query(OptionRow)})
        for option in members:
            await pilot.press("down")
            assert app.focused.path == option.path
            if getattr(app.focused, "value", ""):
                await pilot.press("home", "ctrl+k")
            keys, value = keys_and_value(option)
            await pilot.press(*keys)
            assert app.document.value(option.path) == value
            assert option.path not in app.document.problems
            assert option.path in app.document.changed
            assert "●" in str(app.focused.parent.query_one(".name").render())
            await pilot.press(*["backspace"] * len(keys))
            assert app.document.value(option.path) == (None if option.default != "required" else "")
        assert app.edited[-1] is app.document


async def test_its_help_is_shown_and_a_wrong_value_is_told_while_it_is_typed(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.eta")
        await until(pilot, lambda: "DDIM and TCD" in str(app.query_one("#form-help").render()))
        await write(pilot, "2")
        row = app.focused.parent
        assert "number from 0 to 1" in str(row.query_one(".problem").render())
        assert row.query_one(".problem").display
        await pilot.press("backspace")
        assert not row.query_one(".problem").display
        await go_to(app, pilot, "prompt_config.chapter_split_regex")
        await write(pilot, "ab(c")
        assert "missing ) at position 4: ab(c▸" in str(app.focused.parent.query_one(".problem").render())


async def test_numbers_step_within_their_bounds(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.guidance_rescale")
        await pilot.press("plus", "plus")
        assert app.document.value("generation_config.guidance_rescale") == 0.1
        await pilot.press("minus", "minus", "minus")
        assert app.document.value("generation_config.guidance_rescale") == 0.0
        await go_to(app, pilot, "generation_config.width")
        await pilot.press("plus", "plus")
        assert app.document.value("generation_config.width") == 520


async def test_undo_redo_and_revert(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.negative_prompt")
        await write(pilot, "fog")
        await pilot.press("down", "down", "up", "up")
        await write(pilot, "gy")
        assert app.document.value("generation_config.negative_prompt") == "foggy"
        await pilot.press("ctrl+u")
        assert app.focused.text == "fog"
        await pilot.press("ctrl+u")
        assert not app.document.unsaved
        await go_to(app, pilot, "generation_config.seed")
        await pilot.press("ctrl+y", "ctrl+y")
        await until(pilot, lambda: app.focused.path == "generation_config.negative_prompt")
        assert app.focused.text == "foggy"
        await pilot.press(BY_ID["revert"].key)
        assert not app.document.unsaved
        await pilot.press("ctrl+u")
        assert app.document.value("generation_config.negative_prompt") == "foggy"


async def test_saving_keeps_comments_and_takes_the_marks_away(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.seed")
        await write(pilot, "7")
        assert "●" in str(app.form.border_title)
        app.form.save()
        await pilot.pause()
        assert path.read_text() == TEXT.replace("seed = 3", "seed = 37")
        assert "●" not in str(app.form.border_title)
        assert not app.edited[-1].unsaved


async def test_a_file_changed_meanwhile_is_overwritten_only_when_asked(path):
    async with form_of(path) as (app, pilot):
        app.form.set_value("generation_config.seed", 4)
        path.write_text(TEXT + "# mine\n")
        app.form.save()
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("n")
        assert path.read_text().endswith("# mine\n")
        app.form.save()
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "seed = 4" in path.read_text())
        assert not app.document.unsaved


async def test_it_is_saved_under_another_name(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.seed")
        await pilot.press(BY_ID["save_as"].key)
        await until(pilot, lambda: app.screen is not app.screen_stack[0] and app.screen.query("Input"))
        field = app.screen.query_one("Input")
        field.focus()
        field.value = ""
        await write(pilot, "other")
        await pilot.press("enter")
        await until(pilot, lambda: app.document.path.name == "other.toml")
        assert (path.parent / "other.toml").read_text() == TEXT


async def test_what_cannot_be_saved_is_said(path):
    async with form_of(path) as (app, pilot):
        app.form.set_value("generation_config.seed", 4)
        path.unlink()
        path.mkdir()
        app.form.save()
        await pilot.pause()
        assert any("can't be saved" in notice.message for notice in app._notifications)
        assert app.document.unsaved


async def test_styles_are_edited_in_place(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "style_configs.0.style")
        await pilot.press("enter", "end", "e", "r", "enter", "left", "plus")
        assert app.document.styles[0] == {"style": "softer", "file_tag": "soft", "weight": 0.55}
        await pilot.press("right", "enter", "x", "escape")
        assert app.document.styles[0]["style"] == "softer"
        await pilot.press("d", "down", "space", "K")
        assert [(each["file_tag"], each.get("enabled")) for each in app.document.styles] == [
            ("soft", None),
            ("hard", False),
            ("soft-2", None),
        ]
        await pilot.press("up", "delete", "J", "a", "i", "n", "k", "enter")
        assert [each["style"] for each in app.document.styles] == ["softer", "hard", "ink"]
        app.form.save()
        await pilot.pause()
        text = path.read_text()
        assert text.index('"soft-2"') < text.index("# the hard one") < text.index('"hard"') < text.index('"ink"')
        assert "# the soft one" not in text


async def test_a_wrong_weight_is_told_below_its_style(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "style_configs.1.weight")
        await pilot.press("enter", "backspace", "backspace", "backspace", "7")
        table = app.query_one(StyleTable)
        lines = str(table.render()).split("\n")
        assert "weight: input should be less than or equal to 1" in lines[3]
        await pilot.press("escape")
        assert app.document.value("style_configs.1.weight") == 1.0
        await pilot.press("space", "up", "space")
        assert "switch at least one on" in str(table.render())


async def test_keys_typed_ahead_reach_the_field_they_are_meant_for(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "prompt_config.max_chapters")
        for key in ("4", "1", "backspace", "tab", "5", "down", "1", "shift+tab", "up", "end", "up", "x", "left", "y"):
            app._driver.send_message(pilot_key(app, key))
        await until(pilot, lambda: app.document.value("prompt_config.prompt_override") == "yx")
        assert app.document.value("prompt_config.leave_out") == ["1"]
        assert app.document.value("prompt_config.max_chapters") == 4
        assert app.document.value("prompt_config.max_entries_per_chapter") == 5


async def test_a_style_is_typed_ahead(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "style_configs.0.style")
        for key in ("a", "a", "d", "space", "w", "enter", "down", "enter", "K", "up", "space"):
            app._driver.send_message(pilot_key(app, key))
        await until(pilot, lambda: [each["style"] for each in app.document.styles] == ["soft", "ad w", "hardK"])
        assert app.document.styles[1]["enabled"] is False
        await until(pilot, lambda: not app.query("StyleTable Input"))
        # The last keys may still be on their way up to the app.
        await pilot.press("home")


def pilot_key(app, key):
    event = Key(key, " " if key == "space" else key if len(key) == 1 else None)
    event.set_sender(app)
    return event


async def test_a_path_is_completed_or_picked(path):
    (path.parent / "stories").mkdir()
    (path.parent / "stories" / "sea.txt").write_text("a")
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "prompt_config.source")
        await pilot.press(*["backspace"] * 9)
        await write(pilot, "stories/s")
        await until(pilot, lambda: app.focused.completing)
        await pilot.press("tab")
        assert app.document.value("prompt_config.source") == "stories/sea.txt"
        assert app.focused.path == "prompt_config.source"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.query("Input"))
        app.screen.query_one("Input").value = "../story.txt"
        app.screen.query_one("Input").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.document.value("prompt_config.source") == "story.txt")


async def test_known_values_are_offered_and_an_option_is_found_by_name(path):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, "generation_config.scheduler")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.focused.completing)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.document.value("generation_config.scheduler") is not None)
        assert not app.document.problems
        await pilot.press("ctrl+f")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await write(pilot, "vae_til")
        await until(pilot, lambda: app.screen.query("CommandList") and app.screen.query_one("CommandList").option_count)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.focused, "path", "") == "generation_config.vae_tiling")


@pytest.mark.parametrize("width", [36, 78])
async def test_nothing_is_cut_off_in_a_narrow_pane(path, width):
    async with form_of(path, size=(width, 20)) as (app, _):
        for row in app.query(OptionRow):
            label, field = row.query_one(".name"), row.field
            assert len(row.option.key) + 2 <= label.size.width, row.path
            assert field.size.width >= 8, row.path
        assert app.query_one(StyleTable).size.height == 3


async def test_broken_files_open_and_say_what_is_wrong(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(TEXT.replace("seed = 3", "seed = = 3\nstepz = 5\neta = 'much'"))
    async with form_of(path) as (app, pilot):
        assert "left out" in str(app.query_one("#form-problem").render())
        assert app.query_one("#form-problem").display
        await go_to(app, pilot, "generation_config.eta")
        assert app.focused.value == "much"
        await go_to(app, pilot, "generation_config.stepz")
        await pilot.press("backspace")
        app.form.set_value("generation_config.eta", None)
        app.form.save()
        await until(pilot, lambda: not app.document.problems)
        assert tomllib.loads(path.read_text())["generation_config"] == {"model": "builtin:picturebook"}


async def test_hundred_styles_are_walked_and_edited(tmp_path):
    many = "".join(f'[[style_configs]]\nstyle = "s{n}"\nfile_tag = "t{n}"\nweight = 0.5\n' for n in range(100))
    path = tmp_path / "many.toml"
    path.write_text(f'[prompt_config]\nsource = "a"\n{many}')
    async with form_of(path, size=(80, 24)) as (app, pilot):
        await go_to(app, pilot, "style_configs.58.style")
        await pilot.press("down", "down", "enter", "x", "enter")
        assert app.document.styles[60]["style"] == "s60x"
        scroller = app.query_one("#form-fields")
        line = app.query_one(StyleTable).region.y + 61
        assert scroller.region.y <= line < scroller.region.bottom
        await go_to(app, pilot, "style_configs.99.style")
        await pilot.press("down")
        assert app.focused.title == "Model and steps"


HOSTILE = "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \u202e \U0001f600 漢字 " + "y" * 500


async def test_hostile_values_are_shown_literally(path):
    document = Document.open(path)
    for option in options():
        place = option.path.replace("style_configs", "style_configs.0")
        document = document.with_value(place, HOSTILE)
    document = document.with_value("generation_config.[red]", HOSTILE).with_value("[/]", {"a": HOSTILE})
    app = FormApp(document)
    async with app.run_test(size=(80, 200)) as pilot:
        for group in app.form._groups:
            await group.fold(False)
        app.form._show()
        for option in ("prompt_config.source", "prompt_config.prompt_override", "generation_config.dtype"):
            await go_to(app, pilot, option)
        shown = screen_text(app)
        assert "[/red]" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


@pytest.mark.parametrize("option", ["prompt_config.key", "prompt_config.prompt_override"])
async def test_what_is_pasted_is_made_harmless(path, option):
    async with form_of(path) as (app, pilot):
        await go_to(app, pilot, option)
        app._driver.send_message(Paste("a\x1b]52;c;b\x07"))
        await until(pilot, lambda: app.document.value(option) == "a␛]52;c;b␇")


async def test_names_of_any_kind_are_listed_or_left_out(path):
    folder = path.parent / "[" / "red]"
    folder.mkdir(parents=True)
    (folder / "[bold]sea.txt").write_text("a")
    (folder / "bad\x1b[31m.txt").write_text("a")
    async with form_of(path) as (app, pilot):
        app.form.set_value("prompt_config.source", "[/red]/[bold]sea.txt")
        await go_to(app, pilot, "prompt_config.source")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(app.screen_stack) == 2 and "[bold]sea.txt" in screen_text(app))
        assert "[/red]" in screen_text(app)
        assert "bad" not in screen_text(app)
        assert "\x1b" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


def screen_text(app):
    return "".join(segment.text for line in app.screen._compositor.render_strips() for segment in line)


async def test_the_form_saves_from_the_real_screen(config):
    from tests.ui.conftest import opened

    async with opened(config) as (app, pilot):
        form = app.main.query_one(ConfigForm)
        await until(pilot, lambda: len(form.query(OptionRow)) > 20)
        await pilot.press("f2")
        form.focus_option("generation_config.seed")
        await until(pilot, lambda: getattr(app.focused, "path", "") == "generation_config.seed")
        await pilot.press("8")
        assert app.main.document.unsaved
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.main.document.unsaved)
        assert "8" in Path(config).read_text()
