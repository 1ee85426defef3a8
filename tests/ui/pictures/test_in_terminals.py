"""The real program in pseudo-terminals that pose as others: what they were sent is decoded and compared."""

import os
import signal
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.ui.pictures.decoders import SIXEL, Kitty, sixel_pictures
from tests.ui.pictures.posing import KITTY, XTERM, Posing

START, FULL, ESCAPE = b"\x12", b"z", b"\x1b"
PICTURES = b"\x1bOS"
"""F4."""
THEME, SUSPEND, ENTER, END = b"\x14", b"\x1a", b"\r", b"\x1b[F"


@pytest.fixture
def shown(config, tmp_path):
    """Starts the program in a terminal with these answers."""
    program = ["-m", "tests.ui.pictures.shaded", str(config)]
    return lambda answers, **options: Posing(program, tmp_path, answers, **options)


def painted(output):
    return b"Pictures" in output and b"not drawn yet" in output


def saved(tmp_path, ending=".png"):
    """The run's pictures, without its grids."""
    paths = [path for path in tmp_path.glob(f"output/**/*{ending}") if "grid" not in path.name]
    return [Image.open(path).convert("RGB") for path in paths]


def sent(output, tmp_path):
    """Whether the last prompt's two pictures have been sent."""
    shown = [picture for _, picture in sixel_pictures(output)]
    return all(any(like(picture, each, 6) for picture in shown) for each in saved(tmp_path, " 1-0.png"))


def difference(first, second):
    """Mean difference of two pictures, in levels of 255."""
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean)


def like(picture, original, levels):
    scaled = original.resize(picture.size, Image.Resampling.LANCZOS)
    return difference(picture.convert("RGB"), scaled) <= levels


def test_a_sixel_terminal_is_sent_the_saved_pictures(shown, tmp_path):
    with shown(XTERM) as terminal:
        terminal.until(painted)
        terminal.press(START)
        terminal.until(lambda output: b"6 pictures drawn" in output and len(sixel_pictures(output)) >= 2)
        for (row, column), picture in sixel_pictures(terminal.output):
            assert sum(like(picture, each, 6) for each in saved(tmp_path)) == 1
            assert picture.height % 16 == 0
            assert row + picture.height // 16 < 40, "a picture on the last line would scroll the screen"
            assert column + picture.width // 8 <= 120
        assert terminal.end() == 0


def test_each_sixel_picture_is_sent_once_and_again_in_full_after_a_dialogue(shown, tmp_path):
    with shown(XTERM) as terminal:
        terminal.until(painted)
        terminal.press(START)
        terminal.until(lambda output: b"6 pictures drawn" in output and sent(output, tmp_path))
        assert "Pictures · Chapter 2 The Hill" in terminal.screen
        drawn = SIXEL.findall(terminal.output)
        assert len(drawn) == len(set(drawn))
        terminal.press(b"\x1bOP")
        terminal.until(lambda output: b"Show every key" in output)
        before = len(terminal.output)
        terminal.press(ESCAPE)
        terminal.until(lambda output: len(sixel_pictures(output[before:])) == 2)
        assert terminal.end() == 0


def test_kitty_is_sent_the_saved_pictures_and_placeholders_for_every_cell(shown, tmp_path):
    with shown(KITTY) as terminal:
        terminal.until(painted)
        terminal.press(START)
        kitty = terminal.until(lambda output: (found := Kitty(output)).complete and len(found.rows) >= 2 and found)
        terminal.until(lambda output: b"6 pictures drawn" in output)
        for picture in kitty.pictures.values():
            assert sum(like(picture, each, 0) for each in saved(tmp_path)) == 1
        for number, rows in kitty.rows.items():
            columns, lines = kitty.placements[number]
            assert rows == [columns] * lines, "once, and every cell"
            assert kitty.pictures[number].size == (columns * 8, lines * 16)
        assert terminal.end() == 0
        assert set(Kitty(terminal.output).deleted) == set(kitty.pictures), "the terminal's memory is given back"


def test_without_graphics_no_graphics_are_sent_and_half_blocks_show_the_colours(shown):
    with shown({b"\x1b[c": b"\x1b[?1;2c"}) as terminal:
        terminal.until(painted)
        terminal.press(START)
        terminal.until(lambda output: "▀".encode() in output)
        assert not sixel_pictures(terminal.output)
        assert b"\x1bP" not in terminal.output
        assert terminal.end() == 0


def test_late_answers_are_no_keys_and_keys_typed_ahead_arrive(shown):
    with shown(KITTY) as terminal:
        terminal.until(lambda output: b"\x1b[c" in output, answering=False)
        terminal.press(PICTURES)
        terminal.until(painted, answering=False)
        terminal.answer()
        terminal.press(FULL)
        # Full screen is reached by F4, typed before there was a screen, and z: with nothing pressed in between.
        terminal.until(lambda output: b"from noise" in output)
        assert terminal.end() == 0


def test_resizing_suspending_and_another_theme_during_a_run_do_no_harm(shown, tmp_path):
    held = tmp_path / "held"
    held.touch()
    with shown(XTERM) as terminal:
        terminal.until(painted)
        terminal.press(START)
        terminal.until(lambda _: "follows the run" in terminal.screen)
        for size in ((80, 24), (200, 60), (30, 8), (120, 40)):
            terminal.resize(*size)
            os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.until(lambda _: "follows the run" in terminal.screen)
        terminal.press(THEME)
        terminal.until(lambda _: "Colours" in terminal.screen)
        before = len(terminal.output)
        # A dialogue is painted a moment before its list takes keys; that one took this key shows by what it paints.
        terminal.until(lambda output: len(output) > before or terminal.press(END))
        terminal.press(ENTER)
        terminal.until(lambda output: "Colours" not in terminal.screen and b"S-Frames" in output[before:])
        terminal.press(SUSPEND)
        terminal.until(lambda _: _stopped(terminal.process.pid))
        before = len(terminal.output)
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.until(lambda output: b"follows the run" in output[before:])
        before = len(terminal.output)
        held.unlink()
        terminal.until(lambda output: "6/6" in terminal.screen and sixel_pictures(output[before:]))
        assert terminal.end() == 0


def test_what_lay_over_a_picture_leaves_no_hole(shown):
    with shown(XTERM, size=(80, 24)) as terminal:
        terminal.until(lambda output: b"F4" in output)
        terminal.press(START)
        terminal.until(lambda output: len(sixel_pictures(output)) >= 2)
        terminal.press(PICTURES + FULL)
        terminal.until(lambda output: sixel_pictures(output)[-1:] and sixel_pictures(output)[-1][1].height > 300)
        # A notification over the picture's corner, which goes by itself.
        terminal.press(b"pppp")
        terminal.until(lambda output: b"Pictures: sixel" in output)
        before = len(terminal.output)
        terminal.until(lambda output: sixel_pictures(output[before:]))
        assert terminal.end() == 0


def _stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_a_remembered_terminal_is_asked_nothing(shown):
    for asked in (True, False):
        with shown(XTERM) as terminal:
            started = time.monotonic()
            terminal.until(painted)
            assert (b"\x1b[>q" in terminal.output) == asked, f"after {time.monotonic() - started:.1f} s"
            assert terminal.end() == 0
