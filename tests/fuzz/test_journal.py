"""Journals of strangers: read, summed up, laid over a plan; never believed."""

import json
import shutil
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.run.beside.status import run_status
from sframes_tui.run.events import RunCompleted
from sframes_tui.run.record.journal import NAME, Journal, Reader
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.replay import Replay, Retelling
from sframes_tui.run.record.tree import Tree
from tests.fuzz.held import fuzzed, growth, held
from tests.fuzz.odd import VALUES, changed, mutated
from tests.run.story_run import draw, resume, write_config

KINDS = ["planned", "running", "saved", "failed", "skipped", "grids", "void", "changed", "chosen", "kept", "stale"]
KINDS += ["paused", "resumed", "notice", "ended", "x"]


def line(record):
    """Any JSON as a line with the right checksum, what `encode` wouldn't write included."""
    content = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a picture that failed, and its records."""
    root = tmp_path_factory.mktemp("run")
    folder, _ = draw(write_config(root), root / "output", spoiled=["chalk 0-1"])
    return folder, (folder / NAME).read_bytes(), list(Reader(folder / NAME))


def every_reader(folder, data):
    """All that looks at a journal without going on with the run."""
    (folder / NAME).write_bytes(data)
    records = held(lambda: list(Reader(folder / NAME)), OSError) or []
    held(lambda: Replay.of(records))
    if summary := held(lambda: run_status(folder)):
        held(lambda: (list(summary.lines()), json.dumps(summary.as_json())))
    past = held(lambda: open_run(folder))
    if past is not None:
        held(lambda: (past.survey.lines(past.plan), past.state, past.seconds_for(past.plan.frames)), OSError)
        retelling = held(lambda: Retelling(past.layout, []))
        for record in records:
            held(lambda record=record: retelling.retell(record))


@fuzzed(60)
@given(st.data())
def test_bytes(run, data):
    folder, whole, _ = run
    every_reader(folder, data.draw(mutated(whole)))


@fuzzed(60)
@given(st.data())
def test_records(run, data):
    """The checksums are right: what a record says is all that is wrong with it."""
    folder, _, records = run
    chosen = data.draw(st.integers(0, len(records) - 1))
    kind = st.fixed_dictionaries({"kind": st.sampled_from(KINDS)}, optional={"time": VALUES, "file": VALUES})
    forged = data.draw(changed(records[chosen]) | kind)
    lines = [line(record) for record in records]
    lines[chosen : chosen + data.draw(st.integers(0, 1))] = [line(forged)]
    every_reader(folder, b"".join(lines))


@fuzzed(60)
@given(st.binary(max_size=300).flatmap(mutated))
def test_what_does_not_count_is_cut_off_and_nothing_else(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mended", numbered=True)
    (folder / ".sframes").mkdir()
    (folder / NAME).write_bytes(line({"kind": "x"}) + data)
    Journal(Tree(folder)).close()
    reader = Reader(folder / NAME)
    assert next(iter(reader)) == {"kind": "x"}
    list(reader)
    assert reader.offset == (folder / NAME).stat().st_size
    assert {path.name for path in folder.iterdir()} == {NAME, ".sframes"}


def test_a_journal_of_many_records_takes_little_more_memory_than_its_bytes(run):
    folder, whole, _ = run
    data = whole + line({"kind": "x", "text": "y" * 1000}) * 20_000
    (folder / NAME).write_bytes(data)
    assert growth(lambda: run_status(folder)) < 12 * len(data)


FILES = ["oil 0-0.png", "chalk 0-1.png", "oil 0-2.png", "chalk 1-0.png", "ink 9-9.png"]
TAKES = st.sampled_from([0, 1, 2**20 - 1])
WISH = st.tuples(
    st.sampled_from(FILES), TAKES, st.sampled_from([None, 2**32 - 1]), st.none(), st.sampled_from([None, 0.0])
)


def forgeries(saved):
    """Records that nothing is wrong with, but that no run wrote in such an order."""
    file = st.sampled_from(FILES)
    told = {"reason": st.just("x"), "file": file}
    return st.one_of(
        st.fixed_dictionaries({"kind": st.sampled_from(["failed", "skipped", "running"]), **told}),
        st.fixed_dictionaries({"kind": st.just("chosen"), "file": file, "take": TAKES}),
        st.fixed_dictionaries({"kind": st.sampled_from(["void", "stale"]), "files": st.lists(file, max_size=3)}),
        st.fixed_dictionaries({"kind": st.just("kept"), "files": st.lists(st.tuples(file, st.just("ab" * 32)))}),
        st.fixed_dictionaries({"kind": st.just("changed"), "follow": st.booleans(), "wishes": st.lists(WISH)}),
        st.fixed_dictionaries({"kind": st.just("ended"), "how": st.sampled_from(["completed", "failed"])}),
        st.builds(lambda own, file, take: {**own, "file": file, "take": take}, st.sampled_from(saved), file, TAKES),
    )


@fuzzed(8)
@given(st.data())
def test_a_forged_run_goes_on_to_its_end(run, tmp_path_factory, data):
    folder, _, records = run
    forged = list(records)
    for record in data.draw(st.lists(forgeries([each for each in records if each["kind"] == "saved"]), max_size=6)):
        forged.insert(data.draw(st.integers(1, len(forged))), record)
    copy = Path(shutil.copytree(folder, tmp_path_factory.mktemp("forged", numbered=True) / "run"))
    (copy / NAME).write_bytes(b"".join(map(line, forged)))
    for file in data.draw(st.sets(st.sampled_from(FILES))):
        (copy / file).write_bytes(data.draw(st.binary(max_size=5)))
    assert isinstance(resume(copy).events[-1], RunCompleted)
    assert open_run(copy).is_finished
