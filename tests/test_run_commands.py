"""`resume` and `redraw` on the command line: exit codes and sentences, with the painting engine."""

import json

import pytest

from sframes_tui import cli
from tests.run.story_run import ChainEngine, draw, pictures, write_config


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "_load_engine", lambda draft: ChainEngine(draft.plan))
    return draw(write_config(tmp_path), tmp_path / "out")[0]


def test_a_finished_run_ends_at_once_with_0(run, capfd):
    assert cli.main(["resume", str(run), "--batch"]) == 0
    told = capfd.readouterr()
    assert told.out == ""
    assert "nothing to do: all 10 pictures are there" in told.err


def test_what_is_drawn_again_is_told_on_stdout(run, capfd):
    (run / "oil 1-1.png").unlink()
    assert cli.main(["resume", str(run), "--batch"]) == 0
    told = capfd.readouterr()
    assert told.out == f"{run / 'oil 1-1.png'}\n"
    assert "to draw: 1 picture missing or damaged" in told.err


def test_events_are_one_line_of_json_each(run, capfd):
    assert cli.main(["redraw", str(run), "0-2:oil", "--seed", "4", "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["frames"] for event in events if event["event"] == "FramesStale"] == [[7, 8]]
    assert [event["take"] for event in events if event["event"] == "FrameCompleted"] == [1]
    assert events[-1]["event"] == "RunCompleted"


def test_takes_come_back_and_stale_pictures_are_drawn_or_kept(run):
    before = pictures(run)
    for more in (["0-0:oil", "--prompt", "a ship"], ["--stale"], ["0-0:oil", "--take", "0"], ["--keep"]):
        assert cli.main(["redraw", str(run), *more]) == 0
    assert pictures(run)["oil 0-0.png"] == before["oil 0-0.png"]
    assert pictures(run)["chalk 0-1.png"] != before["chalk 0-1.png"]
    assert cli.main(["redraw", str(run), "0-1:chalk", "--take", "0"]) == 0
    assert pictures(run)["chalk 0-1.png"] == before["chalk 0-1.png"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["redraw", "RUN", "9-9"], 2, "no such picture"),
        (["redraw", "RUN", "0-0:oil", "--strength", "0.5"], 2, "starts from noise"),
        (["redraw", "RUN", "0-0:oil", "--take", "3"], 2, "there is no take 3"),
        (["resume", "RUN/no", "--batch"], 2, "no run folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, capfd, words, code, said):
    assert cli.main([word.replace("RUN", str(run)) for word in words]) == code
    told = capfd.readouterr().err.splitlines()
    assert said in told[-1]
    assert told[-1].startswith("sframes: ")


@pytest.mark.parametrize(
    "words", [["redraw", "RUN"], ["redraw", "RUN", "0-0", "--stale"], ["redraw", "RUN", "0-0", "--seed", "-1"]]
)
def test_bad_usage_is_refused_before_anything(run, words):
    with pytest.raises(SystemExit) as refused:
        cli.main([word.replace("RUN", str(run)) for word in words])
    assert refused.value.code == 2


def test_a_folder_that_wants_to_run_programs_is_refused(run, capfd, tmp_path):
    toml = run / "run.toml"
    toml.write_text(
        toml.read_text().replace("[generation_config]", f'[generation_config]\npreview = "{tmp_path}/x"', 1)
    )
    for words in (["resume", str(run), "--batch"], ["redraw", str(run), "0-0"]):
        assert cli.main(words) == 3
        assert "wants to run" in capfd.readouterr().err
