"""The journal: whole records or none, whatever the disk and the power do."""

import json
import os
import random
import threading
from dataclasses import asdict

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.run import journal as journal_file
from sframes_tui.run.header import facts_of
from sframes_tui.run.journal import Journal, decode, encode, read_journal
from sframes_tui.run.replay import Replay
from tests.run.paint import PaintEngine
from tests.run.small_disk import fill as fill_disk
from tests.run.small_disk import small_disk

SAVED = {
    "kind": "saved",
    "file": "oil 0-0.png",
    "frame": 0,
    "variant": 0,
    "chapter": 0,
    "prompt": 0,
    "style": 0,
    "take": 0,
    "size": 5,
    "sha256": "ab",
    "identity": "cd",
    "base": None,
    "base_identity": None,
    "seconds": 1.5,
}


@pytest.fixture
def path(tmp_path):
    (tmp_path / ".sframes").mkdir()
    return tmp_path / "journal.jsonl"


def fill(path, count=12):
    journal = Journal(path)
    for number in range(count):
        journal.append("running", file=f"oil 0-{number}.png", frame=number, text="\ud800 ü \n")
    journal.close()
    return path.read_bytes()


def test_what_is_appended_is_read_back_line_by_line(path):
    data = fill(path)
    records, end = read_journal(path)
    assert (len(records), end, len(data.splitlines())) == (12, len(data), 12)
    assert records[3]["text"] == "\ud800 ü \n"
    assert json.loads(data.splitlines()[0].split(b" ", 1)[1])["kind"] == "running"
    assert read_journal(path, end) == ([], end)


def test_every_cut_keeps_exactly_the_whole_lines(path):
    data = fill(path)
    for cut in range(len(data)):
        records, end = decode(data[:cut])
        assert len(records) == data[:cut].count(b"\n")
        assert end == data[:cut].rfind(b"\n") + 1


def test_a_tail_of_nuls_is_no_record(path):
    data = fill(path)
    for cut in range(len(data) - 200, len(data)):
        records, _ = decode(data[:cut] + bytes(len(data) - cut))
        assert len(records) == data[:cut].count(b"\n")


def test_no_flipped_bit_gives_another_record(path):
    data = fill(path)
    whole, _ = decode(data)
    dice = random.Random(1)
    for _ in range(5000):
        flipped = bytearray(data)
        place = dice.randrange(len(data))
        flipped[place] ^= 1 << dice.randrange(8)
        records, _ = decode(bytes(flipped))
        assert records == whole[: len(records)]
        assert len(records) == data[:place].count(b"\n")


def test_a_bad_rest_is_cut_off_and_kept_aside(path):
    data = fill(path)
    path.write_bytes(data + b"torn")
    journal = Journal(path)
    journal.append("resumed")
    journal.close()
    assert [record["kind"] for record in read_journal(path)[0]] == ["running"] * 12 + ["resumed"]
    assert [each.read_bytes() for each in (path.parent / ".sframes").glob("journal.bad-*")] == [b"torn"]


def test_of_a_long_bad_rest_only_so_much_is_kept(path, monkeypatch):
    monkeypatch.setattr(journal_file, "MAX_KEPT", 10)
    data = fill(path)
    path.write_bytes(data + b"torn" * 1000)
    Journal(path).close()
    assert path.read_bytes() == data
    assert [each.read_bytes() for each in (path.parent / ".sframes").glob("journal.bad-*")] == [b"torntornto"]


def test_a_bad_rest_is_cut_off_where_the_disk_has_no_room_to_keep_it(tmp_path):
    with small_disk(tmp_path / "disk", 400) as folder:
        data = fill(folder / "journal.jsonl")
        with (folder / "journal.jsonl").open("ab") as file:
            file.write(b"torn" * 20_000)
        (folder / ".sframes").mkdir()
        fill_disk(folder)
        Journal(folder / "journal.jsonl").close()
        assert (folder / "journal.jsonl").read_bytes() == data
        assert not list((folder / ".sframes").iterdir())


def test_a_record_that_does_not_fit_is_not_there_at_all(path, monkeypatch):
    data = fill(path)
    journal = Journal(path)
    write = os.write
    monkeypatch.setattr("sframes_tui.run.journal.os.write", lambda file, line: write(file, line[:7]))
    with pytest.raises(OSError, match="No space"):
        journal.append("resumed")
    assert path.read_bytes() == data
    monkeypatch.undo()
    journal.append("resumed")
    assert len(read_journal(path)[0]) == 13


def test_two_threads_write_whole_lines(path):
    journal = Journal(path)
    threads = [threading.Thread(target=lambda: [journal.append("resumed") for _ in range(50)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_journal(path)[0]) == 150


def test_replaying_twice_changes_nothing():
    records = [
        {"kind": "planned", "run": "1"},
        {"kind": "running", "file": "oil 0-0.png"},
        SAVED,
        {"kind": "changed", "follow": False, "wishes": [["oil 0-0.png", 1, 5, None, None]]},
        {**SAVED, "take": 1},
        {"kind": "failed", "file": "oil 0-1.png", "reason": "black"},
        {"kind": "chosen", "file": "oil 0-0.png", "take": 0},
        {"kind": "of a later version"},
    ]
    once, twice = Replay.of(records), Replay.of(each for record in records for each in (record, record))
    assert once == twice
    assert once == Replay.of([*records, *records])
    assert (once.current, once.next_take("oil 0-0.png")) == ({"oil 0-0.png": 0}, 2)


@pytest.mark.parametrize("harm", [{"width": 10**9}, {"sampling": 3}, {"height": "tall"}, {"notices": 5}])
def test_a_strangers_circumstances_are_refused(harm):
    facts = asdict(PaintEngine(None).facts)
    assert facts_of({"facts": json.loads(json.dumps(facts))}) == PaintEngine(None).facts
    for wrong in ({"facts": {**facts, **harm}}, {"facts": None}, {}):
        with pytest.raises(UsageError, match="not of this program's making"):
            facts_of(wrong)


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "saved", "file": "a.png"},
        {**SAVED, "file": "../../a.png"},
        {**SAVED, "file": "/etc/a.png"},
        {"kind": "changed", "wishes": 3, "follow": True},
        {"kind": "grids", "files": [["../a.png", 1, "", ""]]},
        {"kind": "void", "files": [[1]]},
        {**SAVED, "seconds": "long"},
        {"kind": "changed", "wishes": [["a.png", 1, -5, None, None]], "follow": True},
        {"kind": "changed", "wishes": [["a.png", 1, None, None, 2.0]], "follow": True},
    ],
)
def test_a_strangers_record_is_refused_with_a_sentence(record):
    with pytest.raises(UsageError, match="not of this program's making"):
        Replay.of([record])
    assert decode(encode(record))[0] == [record]
