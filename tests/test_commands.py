"""`resume` and `redraw` on the command line: exit codes and sentences, with the painting engine."""

import json
import os

import pytest

from sframes_tui import cli
from sframes_tui.run import execute
from sframes_tui.run.record.journal import NAME
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


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Where runs go that are painted."""
    monkeypatch.setattr(cli, "_load_engine", lambda draft: ChainEngine(draft.plan))
    return tmp_path / "out"


def resumed(capfd, *words, code=0):
    """What was told on stderr, and on stdout."""
    assert cli.main(["resume", *map(str, words), "--batch"]) == code
    told = capfd.readouterr()
    return told.err, told.out.splitlines()


def folders(root):
    return sorted(path.parent for path in root.rglob("run.toml"))


def cut_short(run):
    """Forgets the last three pictures, as if the run had been killed."""
    lines = (run / NAME).read_bytes().splitlines(keepends=True)
    saved = [number for number, line in enumerate(lines) if b'"kind":"saved"' in line]
    (run / NAME).write_bytes(b"".join(lines[: saved[-3]]))


def one_more(config, root):
    """The folder of a new run."""
    before = set(folders(root))
    draw(config, root)
    (made,) = set(folders(root)) - before
    return made


def test_a_configuration_means_its_run_or_begins_one(tmp_path, root, capfd):
    config = write_config(tmp_path)
    err, _ = resumed(capfd, config, "--output", root, code=2)
    assert f"{config}: it has no run in {root}" in err
    assert not root.exists()
    err, told = resumed(capfd, config, "--output", root, "--or-start")
    assert len(told) == 10
    (run,) = folders(root)
    whole = pictures(run)
    cut_short(run)
    for options in (["--or-start"], []):
        err, told = resumed(capfd, config, "--output", root, *options)
        assert f"going on with {run}" in err or f"all finished; the newest is {run}" in err
        assert len(told) == (3 if options else 0)
    assert "nothing to do: all 10 pictures are there" in err
    assert pictures(run) == whole
    assert folders(root) == [run]


def test_of_several_runs_the_newest_unfinished_one_goes_on(tmp_path, root, capfd):
    config = write_config(tmp_path)
    runs = [one_more(config, root) for _ in range(4)]
    for run in runs[1:3]:
        cut_short(run)
    story = tmp_path / "out" / "story"
    err, _ = resumed(capfd, root)
    assert f"going on with {runs[2]}, the newest of 2 unfinished runs of {root}" in err
    for target in (story, config):
        cut_short(runs[2])
        assert f"going on with {runs[2]}, the newest of 2" in resumed(capfd, target, "--output", root)[0]
    err, _ = resumed(capfd, runs[2].parent)
    assert f"going on with {runs[1]}\n" in err
    err, _ = resumed(capfd, root)
    assert f"4 runs of {root}, all finished; the newest is {runs[3]}" in err
    assert all(len(pictures(run)) == 14 for run in runs)


def test_a_run_that_began_but_has_no_journal_yet_goes_on(tmp_path, root, capfd):
    run, _ = draw(write_config(tmp_path), root)
    (run / NAME).unlink()
    assert f"going on with {run}" in resumed(capfd, root)[0]


def test_a_run_toml_in_its_folder_means_the_run_and_elsewhere_a_configuration(tmp_path, root, capfd):
    run, _ = draw(write_config(tmp_path), root)
    cut_short(run)
    _, told = resumed(capfd, run / "run.toml")
    assert len(told) == 3
    (tmp_path / "run.toml").write_bytes((run / "run.toml").read_bytes())
    err, _ = resumed(capfd, tmp_path / "run.toml", "--output", root)
    assert f"1 run of {tmp_path / 'run.toml'}, all finished; the newest is {run}" in err


def test_a_story_of_the_same_name_elsewhere_is_another_one(tmp_path, root, capfd):
    other, _ = draw(write_config(tmp_path / "a"), root)
    cut_short(other)
    before = (other / NAME).read_bytes()
    _, told = resumed(capfd, write_config(tmp_path / "b"), "--output", root, "--or-start")
    assert len(told) == 10
    assert (other / NAME).read_bytes() == before


def test_a_run_goes_on_as_it_was_begun_and_what_differs_is_named(tmp_path, root, capfd):
    config = write_config(tmp_path)
    run, _ = draw(config, root)
    whole = pictures(run)
    cut_short(run)
    config.write_text(config.read_text().replace("num_inference_steps = 10", "num_inference_steps = 9\neta = 0.2"))
    more = ("--output", root, "--set", "generation_config.seed=2", "--set", 'generation_config.scheduler="DDIM"')
    err, _ = resumed(capfd, config, *more)
    (warning,) = [line for line in err.splitlines() if "says otherwise" in line]
    assert f"{config} with --set says otherwise on " in warning
    names = warning.split("otherwise on ")[1].split(":")[0].split(", ")
    assert set(names) == {f"generation_config.{key}" for key in ("num_inference_steps", "eta", "seed", "scheduler")}
    assert pictures(run) == whole
    config.write_text(config.read_text().replace("weight = 0.7", "weight = 0.6").replace("= 9\neta = 0.2", "= 10"))
    assert f"{config} says otherwise on style_configs: " in resumed(capfd, config, "--output", root)[0]


def test_what_is_set_holds_for_a_run_that_begins(tmp_path, root, capfd):
    config = write_config(tmp_path)
    more = ("--output", root, "--or-start", "--set", "prompt_config.max_chapters=1")
    assert len(resumed(capfd, config, *more)[1]) == 6
    err, told = resumed(capfd, config, *more)
    assert (told, "says otherwise" in err) == ([], False)


def test_a_run_that_another_process_draws_is_told_as_ever(tmp_path, root, capfd):
    run, _ = draw(write_config(tmp_path), root)
    cut_short(run)
    lock = execute.lock_folder(run)
    err, _ = resumed(capfd, root, code=4)
    assert f"{run}: in use by process {os.getpid()}" in err
    lock.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["PLACE/nothing"], "no run folder and no configuration, since there is no such file"),
        (["PLACE/empty"], "no run folder, since it has no run.toml, and no folder of runs: none is below it"),
        (["PLACE/empty", "--or-start"], "--set and --or-start need a configuration"),
        (["PLACE/empty", "--set", "generation_config.seed=1"], "--set and --or-start need a configuration"),
        (["PLACE/broken.toml", "--or-start"], "broken.toml"),
        (["PLACE/small.toml", "--output", ""], "give a folder"),
    ],
)
def test_where_no_run_is_meant_is_one_sentence(tmp_path, root, capfd, words, said):
    write_config(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.toml").write_text("= 3")
    words = [word.replace("PLACE", str(tmp_path)) for word in words]
    err, _ = resumed(capfd, *words, code=2)
    assert said in err
    assert err.count("\n") == 1
    assert cli.main(["resume", *words, "--batch", "--json"]) == 2
    (event,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert event["event"] == "RunFailed"
    assert not root.exists()


def test_what_runs_programs_begins_only_if_that_was_allowed(tmp_path, root, capfd):
    config = write_config(tmp_path, f'preview = "{tmp_path}/x"')
    assert "wants to run" in resumed(capfd, config, "--output", root, "--or-start", code=3)[0]
    assert not root.exists()
