"""Theme files: those that are shipped, and bad ones."""

import os

import pytest
from textual.app import App
from textual.color import Color

from sframes_tui.ui.keymap import load_keymap
from sframes_tui.ui.themes import SHIPPED, load_themes

SHIPPED_NAMES = {"contrast", "dusk", "fjord", "frost", "lantern", "moss", "paper", "sixteen"}


def test_all_shipped_themes_are_good():
    themes, problems = load_themes([SHIPPED])
    assert {theme.name for theme in themes} == SHIPPED_NAMES
    assert problems == []


@pytest.mark.asyncio
async def test_every_shipped_theme_can_be_chosen():
    themes, _ = load_themes([SHIPPED])
    async with App().run_test() as pilot:
        for theme in themes:
            pilot.app.register_theme(theme)
            pilot.app.theme = theme.name
            await pilot.pause()
            assert pilot.app.current_theme == theme


@pytest.mark.parametrize("name", sorted(SHIPPED_NAMES - {"sixteen"}))
def test_text_can_be_read_on_its_background(name):
    theme = next(theme for theme in load_themes([SHIPPED])[0] if theme.name == name)
    for place in (theme.background, theme.surface, theme.panel):
        for ink, least in ((theme.foreground, 7), (theme.error, 4), (theme.warning, 4), (theme.primary, 4)):
            assert _contrast(Color.parse(ink), Color.parse(place)) >= least, (ink, place)


def _contrast(one, other):
    """WCAG 2's ratio of the two colours' relative luminances."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("primary = ", "Invalid value"),
        ('dark = "yes"\nprimary = "#fff"', "neither true nor false"),
        ('primary = "no colour"', "'no colour' is no colour"),
        ('accent = "#fff"', "no primary colour"),
        ('primary = "#fff"\nfont = "Comic"', "'font' is nothing that a theme has"),
        ('primary = "#fff"\ntext_alpha = 7', "no number from 0 to 1"),
        ('primary = "#fff"\n[variables]\nborder = "wavy"', "border = 'wavy' is no colour"),
        ('primary = "#fff"\n[variables]\ntext = "bold"', "text = 'bold' is no colour"),
        ('primary = "#fff"\n[variables]\nlink-style = "red"', "link-style = 'red' is no text style"),
        (f"primary = {'[' * 5000}", "recursion"),
        ("primary = 3", "3 is no colour"),
        ('primary = "#fff 50%"', "'#fff 50%' is no colour"),
    ],
)
def test_a_bad_file_is_told_of_and_the_others_are_loaded(tmp_path, text, complaint):
    (tmp_path / "bad.toml").write_text(text)
    (tmp_path / "Very Good.toml").write_text('primary = "#8fa8ff"\n[variables]\nborder = "#fff 50%"')
    themes, (problem,) = load_themes([tmp_path])
    assert [theme.name for theme in themes] == ["very-good"]
    assert complaint in problem
    assert "bad.toml" in problem


def test_a_theme_of_the_users_own_takes_the_place_of_a_shipped_one(tmp_path):
    (tmp_path / "dusk.toml").write_text('primary = "#123456"')
    themes, _ = load_themes([SHIPPED, tmp_path, tmp_path / "missing"])
    assert [theme.primary for theme in themes if theme.name == "dusk"] == ["#123456"]


def test_pipes_and_devices_are_no_themes_and_no_keys(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "large.toml").write_text("#" * 10**6)
    themes, problems = load_themes([tmp_path])
    assert themes == []
    assert len(problems) == 3
    for name in ("pipe", "zero", "large"):
        keymap, (problem,) = load_keymap(tmp_path / f"{name}.toml")
        assert keymap == {}
        assert "is left out" in problem


def test_what_a_key_file_says_wrongly_is_told_in_few_short_lines(tmp_path):
    lines = [f'"{"x" * 5000}{number}" = "a"' for number in range(2)]
    lines += [f'"c{number}" = "\\u001b[31m"' for number in range(100)]
    (tmp_path / "keys.toml").write_text("\n".join(lines))
    keymap, problems = load_keymap(tmp_path / "keys.toml")
    assert keymap == {}
    assert len(problems) == 11
    assert all(len(problem) < 200 + len(str(tmp_path)) and problem.isprintable() for problem in problems)
    (tmp_path / "keys.toml").write_text(f"pause = {'[' * 5000}")
    assert "is left out" in load_keymap(tmp_path / "keys.toml")[1][0]
