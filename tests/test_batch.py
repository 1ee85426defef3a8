"""Batch runs end to end, each in a process of its own, with a real tiny pipeline."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.engine.tiny import tiny_sd

ROOT = Path(__file__).resolve().parent.parent
CONFIG = """[prompt_config]
source = "story.txt"
chapter_split_regex = 'Chapter \\d+'

[generation_config]
model = "{model}"
scheduler = "DDIM"
num_inference_steps = {steps}
seed = 3
{more}

[[style_configs]]
style = "oil painting"
file_tag = "oil"
weight = 0.9

[[style_configs]]
style = "fog"
file_tag = "a/b"
weight = 0.5
"""
STORY = "front\nChapter 1 One\na boat\na house\nChapter 2 Two\na lamp\nthe sea\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_sd(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def config(tmp_path, model):
    def write(steps=4, more=""):
        (tmp_path / "story.txt").write_text(STORY)
        path = tmp_path / "my.toml"
        path.write_text(CONFIG.format(model=model, steps=steps, more=more))
        return path

    return write


def command(config, *arguments):
    return [
        sys.executable,
        str(ROOT / "tui.py"),
        str(config),
        "--batch",
        "--output",
        str(config.parent / "out"),
        *arguments,
    ]


def batch(config, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command(config, *arguments), capture_output=True, text=True, env=environment, check=False)


def test_every_picture_and_grid_is_drawn_and_told(config):
    done = batch(config())
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(paths) == 8
    folder = paths[0].parent
    assert folder.parent.parent.parent == config().parent / "out" / "story"
    pictures = {path.name for path in folder.glob("*.png")}
    assert len(pictures) == 8 + 4
    assert {path.name for path in folder.iterdir()} - pictures == {".sframes", "run.toml", "journal.jsonl", "run.log"}
    assert {path.name for path in (folder / ".sframes").iterdir()} == {"lock", "holder", "source.txt", "plan.txt"}
    for path in paths:
        with Image.open(path) as picture:
            recipe = json.loads(picture.text["sframes"])
            assert picture.text["parameters"].startswith(recipe["sent"] + "\n")
            assert max(high - low for low, high in picture.getextrema()) > 0
            assert (recipe["base"] is None) == (recipe["chapter"] == recipe["prompt_index"] == 0)
    assert "4 pictures" not in done.stderr
    assert "8 pictures drawn" in done.stderr


def test_the_shipped_story_is_drawn_whole(tmp_path):
    arguments = ["--output", str(tmp_path), "--set", "generation_config.num_inference_steps=5"]
    done = subprocess.run(
        [sys.executable, "tui.py", "configs/lighthouse.toml", "--batch", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(set(paths)) == 29 * 3
    assert len(list(paths[0].parent.glob("* grid-?.png"))) == 4 * 3
    for path in paths:
        with Image.open(path) as picture:
            assert {"parameters", "sframes"} <= set(picture.text)


def test_run_toml_draws_the_same_bytes_again(config, tmp_path):
    first = [Path(line) for line in batch(config()).stdout.splitlines()]
    again = subprocess.run(
        [sys.executable, "tui.py", first[0].parent / "run.toml", "--batch", "--output", tmp_path / "again"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert again.returncode == 0, again.stderr
    second = [Path(line) for line in again.stdout.splitlines()]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_json_is_one_event_a_line_and_nothing_else(config):
    done = batch(config(), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["ModelLoadStarted", "ModelLoadCompleted"]
    assert kinds[-1] == "RunCompleted"
    assert kinds.count("FrameCompleted") == 8
    assert kinds.count("ChapterCompleted") == 2
    steps = [event["step"] for event in events if event["event"] == "FrameProgress" and event["frame"] == 0]
    assert steps == [1, 2, 3, 4]


def test_only_grids_stay_when_single_pictures_are_not_wanted(config):
    done = batch(config(more="save_individual = false"))
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(paths) == 4
    assert all("grid-" in path.name and path.is_file() for path in paths)
    assert len(list(paths[0].parent.rglob("*.png"))) == 4


def interrupted(config, number, steps, wanted):
    """A run that gets a signal at each event that `wanted` says; returns its exit code and its events."""
    events = []
    with subprocess.Popen(command(config(steps=steps), "--json"), stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            events.append(json.loads(line))
            if wanted(events[-1]):
                process.send_signal(number)
    return process.returncode, events


def steps_of(events, frame):
    return [event["step"] for event in events if event["event"] == "FrameProgress" and event["frame"] == frame]


def reached(event, frame, step):
    return event["event"] == "FrameProgress" and (event["frame"], event["step"]) == (frame, step)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_frame_in_hand(config, number, code):
    returned, events = interrupted(config, number, 40, lambda event: reached(event, 1, 3))
    assert returned == code
    ending = events[-1]
    assert ending["event"] == "RunCancelled"
    assert ending["drawn"] == sum(event["event"] == "FrameCompleted" for event in events)
    assert ending["drawn"] + ending["left"] == 8
    assert ending["left"] >= 1
    assert steps_of(events, 1)[-1] == 40


def test_an_interrupted_run_keeps_the_pictures_that_its_grids_still_need(config):
    events = interrupted(
        lambda steps: config(steps, "save_individual = false"), signal.SIGINT, 40, lambda event: reached(event, 1, 3)
    )[1]
    kept = [Path(event["path"]) for event in events if event["event"] == "FrameCompleted"]
    assert kept
    assert all(path.is_file() for path in kept)


def test_a_second_signal_stops_within_a_step(config):
    def at_the_start_and_once_told(event):
        return reached(event, 0, 2) or "ask again to stop now" in event.get("text", "")

    returned, events = interrupted(config, signal.SIGINT, 900, at_the_start_and_once_told)
    assert returned == 130
    assert events[-1]["event"] == "RunCancelled"
    assert events[-1]["drawn"] == 0
    assert steps_of(events, 0)[-1] < 900


def test_a_reader_of_stdout_that_goes_away_does_not_end_the_run(config):
    path = config()
    with subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        process.stderr.read()
    assert process.returncode == 0
    assert len(list((path.parent / "out").rglob("*.png"))) == 12


def test_a_disk_that_takes_no_more_is_one_sentence_and_exit_code_2(config):
    path = config()
    limited = f"ulimit -f 2; {' '.join(map(shlex.quote, command(path)))}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (path.parent / "out").exists()
    assert not done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_run_without_standard_streams_goes_on(config, closed):
    path = config()
    line = f"{' '.join(map(shlex.quote, command(path)))} {closed}"
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=False).returncode == 0
    assert len(list((path.parent / "out").rglob("*.png"))) == 12


def test_a_model_that_draws_nothing_usable_is_refused_before_the_first_frame(config, model, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = broken / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: each * float("nan") for name, each in load_file(weights).items()}, weights)
    done = batch(config(), "--model", str(broken))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "can't draw: already after one step the model's numbers ran out of range" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_prompts_too_long_for_the_model_are_told_before_the_run(config):
    path = config()
    (path.parent / "story.txt").write_text("Chapter 1\n" + "boat " * 300)
    done = batch(path)
    assert done.returncode == 0, done.stderr
    assert "longer than the model reads" in done.stderr
    refused = batch(path, "--set", 'generation_config.on_overflow="error"')
    assert refused.returncode == 2
    assert refused.stdout == ""


def test_variants_lie_side_by_side_and_differ(config):
    done = batch(config(more="variants = 2"))
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(paths) == 16
    assert {path.parent.name for path in paths} == {"variant-0", "variant-1"}
    assert len({path.read_bytes() for path in paths}) == 16


def test_a_signal_while_the_model_loads_ends_the_run_at_once(config):
    returned, events = interrupted(config, signal.SIGINT, 4, lambda event: event["event"] == "ModelLoadStarted")
    assert returned == 130
    assert [event["event"] for event in events] == ["ModelLoadStarted", "RunCancelled"]


def test_a_model_beside_the_config_draws_the_same_bytes_from_run_toml(config, model):
    path = config()
    (path.parent / "my model").symlink_to(model)
    first = batch(path, "--model", "my model").stdout.splitlines()
    second = batch(Path(first[0]).parent / "run.toml").stdout.splitlines()
    assert [Path(each).read_bytes() for each in first] == [Path(each).read_bytes() for each in second]


def test_a_path_that_is_no_text_is_drawn_into(config):
    path = config()
    folder = os.fsdecode(os.fsencode(path.parent) + b"/\xff")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    arguments = [*command(path)[:-1], folder]
    done = subprocess.run(arguments, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert all(os.path.isfile(line) for line in done.stdout.splitlines())  # noqa: PTH113
