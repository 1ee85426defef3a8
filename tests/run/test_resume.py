"""Runs that go on: the same bytes as an unbroken run, whatever was lost."""

import hashlib
import io
import shutil

import pytest
from PIL import Image

from sframes_tui.errors import DiskError, FolderInUseError, ModelError, SFramesError, UsageError
from sframes_tui.printable import counted
from sframes_tui.run.events import Control, Notice, RunCompleted, RunStarted
from sframes_tui.run.execute import go_on
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FrameSkipped
from sframes_tui.run.record.folder import lock_folder
from sframes_tui.run.record.journal import NAME, Reader, encode
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.state import DONE, FAILED, PLANNED, SKIPPED
from tests.run.story_run import STORY, draw, pictures, resume, write_config

OPTIONS = {
    "plain": "",
    "hidden": "save_individual = false",
    "variants": 'variants = 2\ngrid_scope = "run"',
    "cycling": "cycle_styles = true\ninterleave = false",
    "anew": 'chain_scope = "chapter"\ngrid_scope = "run"',
    "independent": "progressive = false",
    "rows": "rows = 2",
}


@pytest.fixture(scope="module", params=OPTIONS)
def unbroken(request, tmp_path_factory):
    """A configuration and what its run holds."""
    folder = tmp_path_factory.mktemp(request.param)
    config = write_config(folder, OPTIONS[request.param])
    return config, pictures(draw(config, folder / "whole", pinned=True)[0])


@pytest.mark.parametrize("stops", [[1], [4, 3], [9, 1, 1]])
def test_a_resumed_run_holds_the_same_bytes(unbroken, tmp_path, stops):
    config, whole = unbroken
    folder, _ = draw(config, tmp_path, stop_after=stops[0], pinned=True)
    for more in stops[1:]:
        resume(folder, stop_after=more, pinned=True)
    ending = resume(folder, pinned=True).events[-1]
    assert isinstance(ending, RunCompleted)
    assert pictures(folder) == whole
    assert open_run(folder).is_finished
    assert not list((folder / ".sframes").glob("*.tmp"))


def test_a_finished_run_has_nothing_to_do(unbroken, tmp_path):
    config, whole = unbroken
    folder, _ = draw(config, tmp_path, pinned=True)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    watch = resume(folder, spoiled=["never loaded"])
    assert [type(event) for event in watch.events] == [Notice, RunStarted, RunCompleted]
    assert "nothing to do" in watch.events[0].text
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    assert pictures(folder) == whole


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path / "config")


@pytest.fixture
def finished(config, tmp_path):
    return draw(config, tmp_path / "out")[0]


def redrawn(watch):
    return [event.path.name for event in watch.of(FrameCompleted)]


CHAIN = ["chalk 0-1.png", "oil 0-2.png", "chalk 1-0.png", "oil 1-1.png"]
"""Interleaved: what is drawn from `oil 0-0`, which is drawn from nothing."""


def damage(path):
    path.write_bytes(path.read_bytes()[:-20])


def swap(path):
    other = path.with_name("chalk 0-0.png")
    shutil.copy(other, path)


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), damage, swap])
def test_a_lost_picture_and_its_descendants_are_drawn_again_and_only_those(finished, harm):
    whole = pictures(finished)
    harm(finished / "oil 0-2.png")
    watch = resume(finished)
    assert redrawn(watch) == CHAIN[1:]
    assert watch.of(RunStarted)[0].kept == (0, 1, 2, 3, 5, 6, 9)
    assert pictures(finished) == whole


def forge(folder, file, data):
    """Puts something else in a picture's place, and into the journal that it is the picture."""
    (saved,) = [record for record in Reader(folder / NAME) if record["kind"] == "saved" and record["file"] == file]
    (folder / file).write_bytes(data)
    forged = {**saved, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    with (folder / NAME).open("ab") as journal:
        journal.write(encode(forged))


def png_of(side):
    content = io.BytesIO()
    Image.new("RGB", (side, side)).save(content, "PNG")
    return content.getvalue()


def two_headers(side):
    data = png_of(side)
    return data[:8] + png_of(128)[8:33] + data[8:]


@pytest.mark.parametrize("content", [b"no picture", two_headers(12_000), png_of(64), png_of(8)[:50]], ids=range(4))
@pytest.mark.parametrize("forged", [["chalk 0-1.png"], ["oil 0-0.png", "chalk 0-1.png"]], ids=["one", "chain"])
def test_a_base_that_is_no_picture_is_drawn_again_before_what_is_drawn_from_it(finished, content, forged):
    whole = pictures(finished)
    for file in forged:
        forge(finished, file, content)
    (finished / "oil 0-2.png").unlink()
    watch = resume(finished)
    assert redrawn(watch) == [*forged, *CHAIN[1:]]
    said = [event.text for event in watch.of(Notice)]
    assert f"to draw: {counted(len(forged) + 1, 'picture')} missing or damaged" in said
    assert isinstance(watch.events[-1], RunCompleted)
    assert whole.items() <= pictures(finished).items()


def test_a_picture_that_no_grid_can_show_is_named(finished):
    forge(finished, "oil 1-1.png", b"no picture")
    with pytest.raises(DiskError, match=r"oil 1-1\.png: can't be read for its grid: .* take it away"):
        resume(finished)
    (finished / "oil 1-1.png").unlink()
    assert redrawn(resume(finished)) == ["oil 1-1.png"]


def test_a_base_of_another_size_than_the_models_is_named(config, tmp_path):
    folder, _ = draw(config, tmp_path / "other", stop_after=1)
    with pytest.raises(DiskError, match="16 x 8 pixels instead of 64 x 64; take it away"):
        resume(folder, size=(64, 64))


def test_a_lost_grid_is_made_again_without_the_model(finished):
    whole = pictures(finished)
    (finished / "oil grid-1.png").write_bytes(b"x")
    assert not redrawn(resume(finished, spoiled=["x"]))
    assert pictures(finished) == whole


def test_a_folder_with_only_its_configuration_is_drawn_from_the_start(finished):
    whole = pictures(finished)
    for path in finished.iterdir():
        if path.name != "run.toml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert len(redrawn(resume(finished))) == 10
    assert pictures(finished) == whole


def test_pictures_that_no_journal_knows_are_put_aside(finished):
    whole = pictures(finished)
    (finished / NAME).unlink()
    resume(finished)
    assert pictures(finished) == whole
    assert (finished / ".sframes/orphans/oil 0-1.png").read_bytes() == whole["oil 0-1.png"]


def test_a_picture_whose_record_was_not_written_is_drawn_again_in_its_place(finished):
    whole = pictures(finished)
    lines = (finished / NAME).read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"kind":"saved"' in line)
    (finished / NAME).write_bytes(b"".join(lines[:last]) + lines[last][:40])
    watch = resume(finished)
    assert len(redrawn(watch)) == 1
    assert pictures(finished) == whole
    assert not (finished / ".sframes/orphans").exists()


def test_the_text_may_go_away(config, tmp_path):
    folder, _ = draw(config, tmp_path / "out", stop_after=3)
    (config.parent / "story.txt").unlink()
    assert isinstance(resume(folder).events[-1], RunCompleted)
    assert open_run(folder).is_finished


def test_an_edited_text_keeps_what_it_can_and_loses_nothing(config, finished, tmp_path):
    whole = pictures(finished)
    edited = STORY.replace("a rope", "a knot")
    (config.parent / "story.txt").write_text(edited)
    past = open_run(finished)
    lines = past.survey.lines(past.plan)
    assert lines[0] == "kept: 4 pictures"
    assert "to draw: 6 pictures whose text" in lines[1]
    assert "put aside into .sframes/orphans: 6 pictures" in lines[2]
    watch = resume(finished)
    assert len(redrawn(watch)) == 6
    assert pictures(finished) == pictures(draw(write_config(tmp_path / "b", story=edited), tmp_path / "new")[0])
    assert (finished / ".sframes/orphans/oil 0-2.png").read_bytes() == whole["oil 0-2.png"]


def test_an_edit_that_is_taken_back_costs_nothing(config, finished):
    whole = pictures(finished)
    (config.parent / "story.txt").write_text(STORY.replace("a rope", "a knot"))
    with pytest.raises(ModelError):
        go_on(finished, no_model, lambda _: None, Control())
    assert not (finished / "oil 0-2.png").exists()
    (config.parent / "story.txt").write_text(STORY)
    assert not redrawn(resume(finished))
    assert pictures(finished) == whole
    assert not list((finished / ".sframes/orphans").iterdir())


def no_model(_):
    raise ModelError("there is none")


def test_a_shorter_text_orphans_what_it_no_longer_has(config, finished):
    (config.parent / "story.txt").write_text(STORY.replace("a goat\n", ""))
    assert not redrawn(resume(finished))
    aside = finished / ".sframes/orphans"
    assert {path.name for path in aside.iterdir()} == {"oil 1-1.png", "chalk 1-1.png"}
    assert not (finished / "oil 1-1.png").exists()


def test_other_circumstances_are_told(finished):
    (finished / "oil 1-1.png").unlink()
    toml = finished / "run.toml"
    toml.write_text(toml.read_text().replace("rows = 1", "rows = 2").replace("compile = false", "compile = true"))
    watch = resume(finished)
    assert any("rows was 1, is 2; compile was false, is true" in event.text for event in watch.of(Notice))


def test_another_devices_number_format_is_told_and_another_option_is_drawn(finished):
    (finished / "oil 1-1.png").unlink()
    watch = resume(finished, dtype="float16")
    assert any("number format was float32, is float16" in event.text for event in watch.of(Notice))
    assert redrawn(watch) == ["oil 1-1.png"]
    toml = finished / "run.toml"
    toml.write_text(toml.read_text().replace('dtype = "auto"', 'dtype = "float32"'))
    assert len(redrawn(resume(finished))) == 10


def test_on_overflow_draws_only_what_overflows(config, tmp_path):
    folder, _ = draw(config, tmp_path, too_long=["a rope"])
    toml = folder / "run.toml"
    toml.write_text(toml.read_text().replace('"shorten"', '"truncate"'))
    assert sorted(redrawn(resume(folder, too_long=["a rope"]))) == sorted(
        f"{tag} {place}.png" for tag in ("oil", "chalk") for place in ("0-2", "1-0", "1-1")
    )


def test_what_was_assumed_of_a_model_that_is_not_here_is_what_the_run_knows(tmp_path):
    """Stable Diffusion's scheduler takes no `eta`; the one that drew does."""
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace("builtin:picturebook", "nobody/nothing"))
    folder, _ = draw(path, tmp_path / "out")
    assert open_run(folder).is_finished


def test_a_failed_frame_is_tried_again_and_what_it_cost_is_drawn(config, tmp_path):
    whole = pictures(draw(config, tmp_path / "whole")[0])
    folder, watch = draw(config, tmp_path / "out", spoiled=["oil 0-2"])
    assert len(watch.of(FrameFailed)) == 1
    past = open_run(folder)
    marks = [past.statuses[frame.number] for frame in past.plan.frames]
    assert [marks.count(mark) for mark in (DONE, FAILED, SKIPPED, PLANNED)] == [7, 1, 2, 0]
    again = resume(folder, spoiled=["oil 0-2"])
    assert (len(again.of(FrameFailed)), len(again.of(FrameSkipped)), redrawn(again)) == (1, 2, [])
    assert redrawn(resume(folder)) == CHAIN[1:]
    assert pictures(folder) == whole


@pytest.mark.parametrize("rule", ["last_good", "restart"])
def test_frames_whose_base_failed_go_on_as_the_rule_says(tmp_path, rule):
    config = write_config(tmp_path, f'on_failed_base = "{rule}"')
    whole, watch = draw(config, tmp_path / "whole", spoiled=["oil 0-2"])
    assert watch.events[-1] == RunCompleted(whole, 9, 1, 0, watch.events[-1].seconds, ("oil 0-2",))
    folder, _ = draw(config, tmp_path / "out", stop_after=8, spoiled=["oil 0-2"])
    again = resume(folder, spoiled=["oil 0-2"])
    assert len(again.of(FrameFailed)) == 1
    assert pictures(folder) == pictures(whole)
    good = pictures(draw(config, tmp_path / "good")[0])
    assert len({name for name in good if good[name] != pictures(folder).get(name)} - {"oil grid-0.png"}) == 3 + 2
    assert redrawn(resume(folder)) == CHAIN[1:]
    assert pictures(folder) == good
    assert {each.take for each in open_run(folder).takes(open_run(folder).plan.frames[7]).values()} == {0, 1}


def test_a_spoiled_frame_gets_other_seeds(tmp_path):
    config = write_config(tmp_path, "retry_bad = 2")
    folder, watch = draw(config, tmp_path / "out", spoiled_times={"oil 0-2": 2})
    assert len(redrawn(watch)) == 10
    assert len([event for event in watch.of(Notice) if "another seed" in event.text]) == 2
    broken, _ = draw(config, tmp_path / "broken", stop_after=4, spoiled_times={"oil 0-2": 2})
    resume(broken, spoiled_times={"oil 0-2": 2})
    assert pictures(broken) == pictures(folder)
    assert draw(config, tmp_path / "bad", spoiled_times={"oil 0-2": 3})[1].of(FrameFailed)


def test_a_second_process_is_told_who_draws_and_how_to_watch(finished):
    lock = lock_folder(finished)
    with pytest.raises(FolderInUseError, match=r"in use by process \d+ on \S+ since .*attach") as told:
        resume(finished)
    assert told.value.exit_code == 4
    lock.close()


def test_what_is_no_run_folder_is_said(tmp_path, finished):
    with pytest.raises(UsageError, match="no run folder"):
        open_run(tmp_path)
    (finished / "run.toml").write_text("x")
    with pytest.raises(SFramesError, match=r"run\.toml"):
        open_run(finished)
