"""The journal: whole records or none, whatever the disk and the power do."""

import json
import os
import random
import resource
import threading
import zlib
from dataclasses import asdict

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.run.record import journal as journal_file
from sframes_tui.run.record import replay
from sframes_tui.run.record.journal import Journal, Reader, encode
from sframes_tui.run.record.records import facts_of
from sframes_tui.run.record.replay import Replay
from sframes_tui.run.record.tree import Tree
from tests.run.paint import PaintEngine
from tests.run.record.small_disk import fill as fill_disk
from tests.run.record.small_disk import small_disk

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
    "sha256": "ab" * 32,
    "identity": "cd" * 16,
    "base": None,
    "base_identity": None,
    "seconds": 1.5,
}


@pytest.fixture
def path(tmp_path):
    (tmp_path / ".sframes").mkdir()
    return tmp_path / "journal.jsonl"


def read(path, data):
    """The records of a journal that holds `data`, and where they end."""
    path.write_bytes(data)
    reader = Reader(path)
    return list(reader), reader.offset


def fill(path, count=12):
    journal = Journal(Tree(path.parent))
    for number in range(count):
        journal.append("running", file=f"oil 0-{number}.png", frame=number, text="\ud800 ü 🙂 \n")
    journal.close()
    return path.read_bytes()


def test_what_is_appended_is_read_back_line_by_line(path):
    data = fill(path)
    reader = Reader(path)
    records = list(reader)
    assert (len(records), reader.offset, len(data.splitlines())) == (12, len(data), 12)
    assert records[3]["text"] == "? ü 🙂 \n"
    assert json.loads(data.splitlines()[0].split(b" ", 1)[1])["kind"] == "running"
    assert (list(reader), reader.offset) == ([], len(data))


def test_every_cut_keeps_exactly_the_whole_lines(path):
    data = fill(path)
    for cut in range(len(data)):
        records, end = read(path, data[:cut])
        assert len(records) == data[:cut].count(b"\n")
        assert end == data[:cut].rfind(b"\n") + 1


def test_a_tail_of_nuls_is_no_record(path):
    data = fill(path)
    for cut in range(len(data) - 200, len(data)):
        records, _ = read(path, data[:cut] + bytes(len(data) - cut))
        assert len(records) == data[:cut].count(b"\n")


def test_no_flipped_bit_gives_another_record(path):
    data = fill(path)
    whole, _ = read(path, data)
    dice = random.Random(1)
    for _ in range(2000):
        flipped = bytearray(data)
        place = dice.randrange(len(data))
        flipped[place] ^= 1 << dice.randrange(8)
        records, _ = read(path, bytes(flipped))
        assert records == whole[: len(records)]
        assert len(records) == data[:place].count(b"\n")


def test_a_bad_rest_is_cut_off_and_kept_aside(path):
    data = fill(path)
    path.write_bytes(data + b"torn")
    journal = Journal(Tree(path.parent))
    journal.append("resumed")
    journal.close()
    assert [record["kind"] for record in Reader(path)] == ["running"] * 12 + ["resumed"]
    assert [each.read_bytes() for each in (path.parent / ".sframes").glob("journal.bad-*")] == [b"torn"]


def test_of_a_long_bad_rest_only_so_much_is_kept(path, monkeypatch):
    monkeypatch.setattr(journal_file, "MAX_KEPT", 10)
    data = fill(path)
    path.write_bytes(data + b"torn" * 1000)
    Journal(Tree(path.parent)).close()
    assert path.read_bytes() == data
    assert [each.read_bytes() for each in (path.parent / ".sframes").glob("journal.bad-*")] == [b"torntornto"]


def test_a_bad_rest_is_cut_off_where_the_disk_has_no_room_to_keep_it(tmp_path):
    with small_disk(tmp_path / "disk", 400) as folder:
        data = fill(folder / "journal.jsonl")
        with (folder / "journal.jsonl").open("ab") as file:
            file.write(b"torn" * 20_000)
        (folder / ".sframes").mkdir()
        fill_disk(folder)
        Journal(Tree(folder)).close()
        assert (folder / "journal.jsonl").read_bytes() == data
        assert not list((folder / ".sframes").iterdir())


def test_a_record_that_does_not_fit_is_not_there_at_all(path, monkeypatch):
    data = fill(path)
    journal = Journal(Tree(path.parent))
    write = os.write
    monkeypatch.setattr("sframes_tui.run.record.journal.os.write", lambda file, line: write(file, line[:7]))
    with pytest.raises(OSError, match="No space"):
        journal.append("resumed")
    assert path.read_bytes() == data
    monkeypatch.undo()
    journal.append("resumed")
    assert len(list(Reader(path))) == 13


def test_two_threads_write_whole_lines(path):
    journal = Journal(Tree(path.parent))
    threads = [threading.Thread(target=lambda: [journal.append("resumed") for _ in range(50)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(Reader(path))) == 150


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
    assert (once.takes.counting, once.takes.next_number("oil 0-0.png")) == ({"oil 0-0.png": 0}, 2)


@pytest.mark.parametrize("harm", [{"width": 10**9}, {"sampling": 3}, {"height": "tall"}, {"notices": 5}])
def test_a_strangers_circumstances_are_refused(harm):
    facts = asdict(PaintEngine(None).facts)
    assert facts_of({"facts": json.loads(json.dumps(facts))}) == PaintEngine(None).facts
    for wrong in ({"facts": {**facts, **harm}}, {"facts": None}, {}):
        with pytest.raises(UsageError, match="not of this program's making"):
            facts_of(wrong)


FILE, HASH = "oil 0-0.png", "ab" * 32
GOOD = {
    "planned": {"run": "1", "frames": 6, "kept": 2, "identity_version": 3, "circumstances": {"rows": "1"}},
    "running": {"file": FILE},
    "saved": SAVED,
    "failed": {"file": FILE, "reason": "black"},
    "skipped": {"file": FILE, "reason": "its base"},
    "grids": {"variant": 0, "chapter": 0, "files": [["oil grid-0.png", 1, HASH, HASH]]},
    "void": {"files": [".sframes/pictures/variant-1/oil 0-0.png"]},
    "stale": {"files": ["variant-12/oil 0-0.png"]},
    "changed": {"wishes": [[FILE, 1, 2**32 - 1, "a boat", 1.0]], "follow": True},
    "chosen": {"file": FILE, "take": 0},
    "kept": {"files": [[FILE, HASH]]},
    "paused": {"reason": "asked"},
    "notice": {"level": "info", "text": "x"},
    "ended": {"how": "completed", "drawn": 1, "seconds": 2.5},
}
NAMES = [
    "../../oil 0-0.png",
    "/etc/oil 0-0.png",
    ".sframes//tmp/oil 0-0.png",
    ".sframes/oil 0-0.png",
    ".sframes/takes/oil 0-0.png",
    ".sframes/pictures/../oil 0-0.png",
    "./oil 0-0.png",
    "x/oil 0-0.png",
    "oil 0-0.png\n",
    "oil\x1b 0-0.png",
    "oil\\ 0-0.png",
    "oil 0-0.toml",
    "run.toml",
    "journal.jsonl",
    ".sframes/lock",
    "",
    f"{'x' * 256} 0-0.png",
    7,
]
HASHES = ["\ud800", "ab", "AB" * 32, HASH + "\n", f" {HASH}"[:64], None, 5]
NUMBERS = [-1, True, 1.5, "1", 10**30, float("nan"), None, []]
SECONDS = [-1.0, float("inf"), float("nan"), 1e308, True, "1", None]
HARMS = [
    *(("running", {"file": name}) for name in NAMES),
    *(("void", {"files": [name]}) for name in NAMES),
    *(("grids", {"files": [[name.replace("0-0", "grid-0"), 1, HASH, HASH]]}) for name in NAMES[:-1]),
    ("grids", {"files": [[FILE, 1, HASH, HASH]]}),
    *((kind, {"file": "run.toml"}) for kind in ("saved", "failed", "skipped", "chosen")),
    ("kept", {"files": [["run.toml", HASH]]}),
    ("stale", {"files": ["run.toml"]}),
    *(("saved", {key: bad}) for key in ("sha256", "identity") for bad in HASHES),
    *(("saved", {key: bad}) for key in ("base", "base_identity") for bad in HASHES if bad is not None),
    *(("saved", {key: bad}) for key in ("frame", "variant", "style", "take", "size") for bad in NUMBERS),
    *(("planned", {"frames": bad}) for bad in NUMBERS),
    ("saved", {"size": 2**30}),
    ("grids", {"files": [["oil grid-0.png", 2**40, HASH, HASH]]}),
    *(("saved", {"seconds": bad}) for bad in SECONDS),
    *((kind, {"time": bad}) for kind in ("saved", "running", "of a later version") for bad in SECONDS),
    *(("changed", {"wishes": [[FILE, 1, bad, None, None]]}) for bad in (-5, 2**32, 1.5, "1", True)),
    *(("changed", {"wishes": [[FILE, 1, None, None, bad]]}) for bad in (2.0, -0.1, float("nan"), "1")),
    ("changed", {"wishes": [["run.toml", 1, None, None, None]]}),
    ("changed", {"wishes": [[FILE, 2**20, None, None, None]]}),
    ("changed", {"wishes": [[FILE, 1, None, "x" * (2**17 + 1), None]]}),
    ("changed", {"wishes": [[FILE, 1]]}),
    ("changed", {"wishes": 3}),
    ("kept", {"files": [[FILE, "ab"]]}),
    ("grids", {"files": [["oil grid-0.png", 1, "ab", HASH]]}),
    ("planned", {"circumstances": {"rows": 5}}),
    ("planned", {"circumstances": {"rows": "1" * 10_000}}),
    ("planned", {"circumstances": {str(number): "1" for number in range(50_000)}}),
    ("planned", {"facts": {"model": "x" * 2**21}}),
    ("planned", {"model": "x" * 10_000}),
    ("planned", {"facts": 5}),
    ("paused", {"reason": {}}),
    ("notice", {"level": "loud"}),
    ("ended", {"how": []}),
    ("failed", {"reason": None}),
]


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_written_is_taken_in_and_nothing_of_it_may_lack(kind):
    record = {"kind": kind, "time": 1.5, **GOOD[kind]}
    assert Replay.of([record]).records == 1
    for key in GOOD[kind].keys() - {"kind"} if kind not in ("planned", "ended") else ():
        with pytest.raises(UsageError, match="line 1: a record of kind"):
            Replay.of([{each: value for each, value in record.items() if each != key}])


@pytest.mark.parametrize(("kind", "harm"), HARMS, ids=range(len(HARMS)))
def test_a_strangers_record_is_refused_with_a_sentence(path, kind, harm):
    path.write_bytes(encode({"kind": "resumed"}) + encode({"kind": kind, **GOOD.get(kind, {}), **harm}))
    with pytest.raises(UsageError, match=r"line 2: a record of kind '.*' is not of this program's making: .+: "):
        Replay.of(Reader(path))


@pytest.mark.parametrize("kind", ["void", "grids", "changed", "kept"])
def test_a_record_with_very_many_faults_takes_no_memory_for_each(kind):
    entries = [[]] * 500_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UsageError, match=r"(files|wishes)\.0"):
        Replay.of([{"kind": kind, **GOOD[kind], "files": entries, "wishes": entries}])
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 50_000_000


def test_of_a_sentence_without_end_the_begin_is_told():
    known = Replay.of([{"kind": "failed", "file": FILE, "reason": "x" * 10**6}])
    assert len(known.failed[FILE]) == 10_000


def test_a_take_that_a_stranger_numbered_leaves_room_for_others():
    known = Replay.of([SAVED, {**SAVED, "take": 2**20 - 1}])
    assert known.takes.next_number(FILE) == 1


def test_a_journal_tells_no_more_than_its_run_can_have_done(monkeypatch):
    monkeypatch.setattr(replay, "MOST", 100)
    monkeypatch.setattr(replay, "MOST_OF_A_FRAME", 10)
    planned = {"kind": "planned", "frames": 5}
    Replay.of([planned, *[{"kind": "resumed"}] * 149])
    for more in ([{"kind": "resumed"}] * 150, [{"kind": "void", "files": [FILE] * 150}], [{"kind": "later"}] * 150):
        with pytest.raises(UsageError, match="more than a run of 5 pictures can have done"):
            Replay.of([planned, *more])


def line(content):
    return b"%08x %s\n" % (zlib.crc32(content), content)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"kind":"x","a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
        b'{"kind":"x","a":' + b"9" * 100_000 + b"}",
        b'{"kind":"x","a":"\0"}',
        b'{"kind":"x","a":"\xff"}',
        b'{"kind":"x"}{}',
        b'{"kind":["x"]}',
        b"[]",
        b"",
        b"{}",
    ],
    ids=range(10),
)
def test_lines_that_are_no_records_end_what_counts(path, content):
    good = encode({"kind": "resumed"})
    assert read(path, good + line(content) + good) == ([{"kind": "resumed"}], len(good))


def test_lone_surrogates_of_any_place_are_told_as_characters(path):
    (record,), _ = read(path, line(b'{"kind":"x","\\ud800":"\\udfff \\\\ud800 \\ud83d\\ude42"}'))
    assert record == {"kind": "x", "?": "? \\ud800 🙂"}


def test_what_lies_behind_the_torn_place_costs_nothing(path):
    data = fill(path)
    with path.open("ab") as file:
        file.truncate(2**36)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(list(Reader(path))) == 12
    Journal(Tree(path.parent)).close()
    assert path.read_bytes() == data
    (kept,) = (path.parent / ".sframes").iterdir()
    assert kept.stat().st_size == journal_file.MAX_KEPT
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 50_000_000


def test_a_line_of_any_length_is_refused_before_it_is_read_whole(path):
    data = fill(path)
    with path.open("ab") as file:
        file.write(b"01234567 {" + b" " * (journal_file.MAX_LINE + 2 * journal_file.BLOCK))
    with pytest.raises(OSError, match="longer than any"):
        list(Reader(path))
    with pytest.raises(OSError, match="longer than any"):
        Journal(Tree(path.parent))
    assert path.read_bytes().startswith(data + b"01234567 {")


def test_a_long_list_is_told_in_several_records(path, monkeypatch):
    monkeypatch.setattr(journal_file, "LONG_LINE", 200)
    journal = Journal(Tree(path.parent))
    files = [f"oil 0-{number}.png" for number in range(50)]
    journal.append_list("void", "files", files)
    journal.append_list("changed", "wishes", [[FILE, 1, None, "x" * 500, None]], follow=True)
    assert max(map(len, path.read_bytes().splitlines())) < 700
    known = Replay.of(Reader(path))
    assert (known.void, known.records > 5, known.takes.change(FILE).prompt) == (set(files), True, "x" * 500)


def test_a_reader_follows_what_is_written_and_bears_that_it_is_cut(path):
    data = fill(path)
    reader = Reader(path)
    assert len(list(reader)) == 12
    path.write_bytes(data + data[:30])
    assert list(reader) == []
    path.write_bytes(data + data)
    assert len(list(reader)) == 12
    path.write_bytes(data[:50])
    assert list(reader) == []
    path.write_bytes(b"x" * 10_000)
    with pytest.raises(OSError, match="changed by somebody else"):
        list(reader)


def test_what_is_written_while_it_is_read_is_left_for_the_next_time(path):
    fill(path)
    reader, journal = Reader(path), Journal(Tree(path.parent))
    for _ in reader:
        journal.append("resumed")
    assert len(list(reader)) == 12
