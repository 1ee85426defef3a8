"""A stranger's run folder on the screen, and folders full of hostile names: shown, never obeyed, never sent raw."""

import hashlib
import json
import os
import shutil
import struct
import zlib

import pytest

from sframes_tui.ui.dialogs.files import OpenDialog
from sframes_tui.ui.dialogs.runs import RunsDialog
from tests.run.story_run import draw, write_config
from tests.ui.conftest import log_text, opened, screen_text, toasts, until

pytestmark = pytest.mark.asyncio

HOSTILE = "\x1b]52;c;cm0=\x07[@click=app.bell]\x9b31m\u202e[/x]"
RAW = ("\x1b", "\x07", "\x9b", "\u202e", "\udcff")


def line(kind, **fields):
    content = json.dumps({"kind": kind, "time": 1.0} | fields).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def shown(app):
    return "".join([screen_text(app), log_text(app), *map(str, toasts(app))])


def assert_harmless(app):
    assert not [raw for raw in RAW if raw in shown(app)]
    assert app.is_running
    assert app.return_code is None


def bomb(path, side=60_000):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(10**6))), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def believed_bomb(folder, name):
    """A bomb in a picture's place, with a record that says it is right."""
    bomb(folder / name)
    data = (folder / name).read_bytes()
    told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    records = [json.loads(each.split(b" ", 1)[1]) for each in (folder / "journal.jsonl").read_bytes().splitlines()]
    forged = [record | told if record["kind"] == "saved" and record["file"] == name else record for record in records]
    (folder / "journal.jsonl").write_bytes(b"".join(line(record.pop("kind"), **record) for record in forged))


@pytest.fixture
def folder(tmp_path):
    """A run folder at a place with a hostile name, hostile in its texts and records, with pictures that are bombs."""
    made, _ = draw(
        write_config(tmp_path / "made", f"negative_prompt = {json.dumps(HOSTILE)}"), tmp_path / "made" / "out"
    )
    folder = tmp_path / HOSTILE.replace("/", "") / "a" / "b" / HOSTILE.replace("/", "")
    shutil.copytree(made, folder)
    text = (folder / "run.toml").read_text()
    (folder / "run.toml").write_text(text.replace('"in oil"', json.dumps(HOSTILE)))
    believed_bomb(folder, "chalk 0-0.png")
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(line("failed", file="chalk 1-1.png", frame=9, reason=HOSTILE))
        journal.write(line("skipped", file="oil 1-1.png", frame=8, reason=HOSTILE))
        journal.write(line("notice", level="error", text=HOSTILE))
        journal.write(line("paused", reason=HOSTILE))
        journal.write(line("ended", how="failed", error=HOSTILE))
    return folder


@pytest.mark.parametrize("size", [(140, 45), (80, 24)])
async def test_a_strangers_run_folder_is_looked_at_harmlessly(folder, size):
    async with opened(folder / "run.toml", size=size, root=folder.parents[3], folder=folder) as (app, pilot):
        keys = (
            "f4",
            "right",
            "z",
            "escape",
            "g",
            "escape",
            "r",
            "escape",
            "f3",
            "d",
            "p",
            "escape",
            "n",
            "/",
            "a",
            "escape",
        )
        for key in (*keys, "f5", "l", "l", "f2", "f6", "escape", "ctrl+n", "escape", "ctrl+p", "escape"):
            await pilot.press(key)
            await pilot.pause(0.05)
            assert_harmless(app)
        assert "[@click=app.bell]" in shown(app)


async def test_the_list_of_runs_shows_hostile_names_as_they_are(folder, config):
    async with opened(config, root=folder.parents[3]) as (app, pilot):
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog) and "failed" in screen_text(app))
        assert "[@click=" in screen_text(app)
        assert_harmless(app)


async def test_a_folder_of_hostile_names_is_listed_in_the_file_dialogue(config):
    place = config.parent
    for name in (
        HOSTILE.replace("/", ""),
        "[bold]plain",
        "x" * 255,
        "a\nb",
        b"\xff\xfe".decode(errors="surrogateescape"),
    ):
        (place / name).write_text("text")
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    (place / "gone").symlink_to("nowhere")
    (place / "deep").mkdir()
    (place / "deep" / "up").symlink_to("..")
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+f", *"source", "enter")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, OpenDialog))
        await until(pilot, lambda: "[bold]plain" in screen_text(app))
        for key in ("down", "down", "down", "end", "home", "enter", "backspace", "escape"):
            await pilot.press(key)
            await pilot.pause(0.05)
            assert_harmless(app)
