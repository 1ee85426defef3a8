"""The command line: exit codes and sentences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from sframes_tui.cli import main

STYLE = '[[style_configs]]\nstyle = "oil"\nfile_tag = "oil"\nweight = 0.5\n'


@pytest.fixture
def write(tmp_path):
    """Writes a configuration and its story, and returns the configuration's path."""

    def _write(text="Chapter 1\na boat\na house\n", prompt="", generation="", styles=STYLE):
        (tmp_path / "story.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        path = tmp_path / "my.toml"
        path.write_text(
            f'[prompt_config]\nsource = "story.txt"\n{prompt}\n[generation_config]\n'
            f'model = "builtin:picturebook"\n{generation}\n{styles}'
        )
        return path

    return _write


def outcome(capsys, *arguments):
    code = main([str(each) for each in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("story", "prompt", "generation", "said"),
    [
        (b"", "", "", "empty"),
        (b" \n\n", "", "", "blank"),
        (b"a\0b", "", "", "NUL"),
        ("text", "chapter_split_regex = 'Part \\d'", "", "matches nothing"),
        ("a" * 40 + "b", "chapter_split_regex = '(a+)+$'", "", "chapter_split_regex"),
        ("text", "encoding = 'klingon'", "", "klingon"),
        ("text", "", "model = 'builtin:other'", "no such built-in model"),
        ("text", "", "model = './nowhere'", "no such folder or file"),
        ("text", "", "steps = 3", "unknown key"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(write, capsys, story, prompt, generation, said):
    if generation.startswith("model"):
        config = write(story, prompt)
        config.write_text(config.read_text().replace('model = "builtin:picturebook"', generation))
    else:
        config = write(story, prompt, generation)
    code, out, err = outcome(capsys, config, "--dry-run")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_missing_story_says_where_it_was_looked_for(write, capsys, tmp_path):
    config = write()
    (tmp_path / "story.txt").unlink()
    code, _, err = outcome(capsys, config, "--batch")
    assert code == 2
    assert str(tmp_path) in err


def test_a_story_that_is_a_folder_or_far_too_large_is_exit_code_2(write, capsys, tmp_path):
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(70_000_000)
    for source, said in {".": "folder", "large.txt": "64 MB"}.items():
        code, _, err = outcome(capsys, write(), "--dry-run", "--set", f'prompt_config.source="{source}"')
        assert code == 2
        assert said in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prompt_config", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ("[prompt_config]\nsource = 'a'\nsource = 'b'\n", "not valid TOML"),
        ("[prompt_config]\nsource = 'story.txt'\n", "at least one [[style_configs]]"),
        ("[prompt_config]\nsource = 'story.txt'\n" + STYLE.replace("0.5", "nan"), "style_configs.0.weight"),
    ],
)
def test_a_bad_config_is_exit_code_2(capsys, tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    code, out, err = outcome(capsys, path, "--batch")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("target", ["missing.toml", "."])
def test_a_bad_config_path_is_exit_code_2(capsys, target):
    code, _, err = outcome(capsys, target, "--batch")
    assert code == 2
    assert err.startswith(f"sframes: {target}: ")


@pytest.mark.parametrize("arguments", [["--batch"], ["x.toml", "--nonsense"], ["x.toml", "--seed", "many"]])
def test_bad_usage_is_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: sframes" in capsys.readouterr().err


def test_a_viewer_nobody_allowed_is_refused_with_exit_code_3(write, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sframes_tui.run.beside.trust.STORE", tmp_path / "trusted")
    config = write(generation=f'preview = "touch {tmp_path}/pwned"\npreview_stop = "pkill display"')
    code, _, err = outcome(capsys, config, "--batch")
    assert code == 3
    assert "pkill display" in err
    assert not (tmp_path / "pwned").exists()
    assert outcome(capsys, "trust", config)[0] == 0
    (tmp_path / "output").write_text("in the way")
    allowed = [config, "--batch", "--output", tmp_path / "output", "--set", "generation_config.num_inference_steps=1"]
    assert outcome(capsys, *allowed)[0] == 2
    config.write_text(config.read_text().replace("pwned", "pwned2"))
    assert outcome(capsys, config, "--batch")[0] == 3


def test_the_dry_run_shows_every_frame_and_every_warning(write, capsys):
    styles = STYLE + STYLE.replace("0.5", "0.01")
    prompt = "chapter_split_regex = 'Chapter \\d'\nmax_entries_per_chapter = 2"
    text = "front\nChapter 1 The sea\n a boat \n\na house\nthird\nChapter 2\n\n"
    config = write(text, prompt, "scheduler = 'EulerDiscrete'\neta = 0.5\nseed = 5", styles)
    code, out, err = outcome(capsys, config, "--dry-run")
    assert (code, err) == (0, "")
    assert "chapter 0: Chapter 1 The sea (2 prompts)" in out
    assert "0-0 a boat\n" in out
    assert "from noise" in out
    assert "from oil-2 0-0, strength 0.5" in out
    assert "total      1 chapter, 2 prompts, 2 styles, 4 frames, 125 steps" in out
    for said in ("eta = 0.5 has no effect", "oil-2", "max_entries_per_chapter", "blank", "before the first heading"):
        assert said in out


def test_interleave_without_progressive_and_idle_weights_are_warned_of(write, capsys):
    generation = "scheduler = 'DDIM'\nprogressive = false\ninterleave = true\neta = 0.0"
    assert "interleave has no effect" in outcome(capsys, write(generation=generation), "--dry-run")[1]
    overrides = ["--set", "style_configs.0.weight=0.01", "--set", "generation_config.progressive=true"]
    assert "leaves no step to run" in outcome(capsys, write(generation=generation), "--dry-run", *overrides)[1]


def test_escape_sequences_in_a_story_are_shown_not_sent(write, capsys):
    config = write("\x1b]52;c;cm0gLXJm\x07 a boat \x9b31m\n")
    _, out, _ = outcome(capsys, config, "--dry-run")
    assert "\x1b" not in out
    assert "\x9b" not in out
    assert "␛]52" in out


def test_the_short_flags_reach_their_options(write, capsys):
    _, out, _ = outcome(
        capsys, write(), "--dry-run", "--seed", "77", "--model", "builtin:picturebook", "--device", "cpu"
    )
    assert "seed       77\n" in out
    code, _, err = outcome(capsys, write(), "--dry-run", "--device", "abacus")
    assert code == 2
    assert "--set generation_config.device" in err


def test_a_script_is_converted_to_a_configuration_that_plans_the_same(tmp_path, capsys, write):
    script = tmp_path / "run.py"
    script.write_text(
        "prompt_config = {'source': 'story.txt', 'key': 'sg1', 'prompt_override': None,\n"
        " 'chapter_split_regex': 'Chapter \\\\d+', 'prompt_split_regex': '\\n', 'max_chapters': 1,\n"
        " 'max_entries_per_chapter': 9}\n"
        "generation_config = {'preview': False, 'preview_stop': 'pkill display', 'progresive': True,\n"
        " 'interleave': True, 'eta': 0.1, 'num_inference_steps': 50}\n"
        "style_configs = [{'style': 'oil', 'file_tag': 'oil', 'weight': 0.9, 'last_image': None, 'images': []}]\n"
        "open('executed', 'w')\n"
    )
    write()
    target = tmp_path / "converted.toml"
    assert outcome(capsys, "convert", script, "-o", target)[0] == 0
    assert not Path("executed").exists()
    code, out, _ = outcome(capsys, target, "--dry-run")
    assert code == 0
    assert "2 prompts, 1 style, 2 frames" in out
    code, _, err = outcome(capsys, "convert", script, "-o", target)
    assert code == 2
    assert "exists already" in err


def test_help_and_version_come_without_a_configuration(capsys):
    for flag, said in {"--help": "generation_config.guidance_scale", "--version": "S-Frames 0."}.items():
        with pytest.raises(SystemExit) as caught:
            main([flag])
        assert caught.value.code == 0
        assert said in capsys.readouterr().out


def test_a_reader_that_went_away_is_no_error_message(write):
    config = write("a boat\n" * 20_000)
    command = f"{sys.executable} tui.py {config} --dry-run | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (f"generation_config.seed={'9' * 5000}", "the value is not TOML"),
        (f"style_configs.{'9' * 5000}.weight=1", "no style's number"),
        ("style_configs.٠.weight=1", "no style's number"),
        ("generation_config.device='tpu'", 'must be "auto", "cuda"'),
        ("generation_config.variants=1000000", "1 to 1000"),
    ],
)
def test_odd_overrides_are_one_sentence(write, capsys, argument, said):
    code, _, err = outcome(capsys, write(), "--dry-run", "--set", argument)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "text", [f"seed = {'9' * 5000}", f"{'a.' * 20_000}a = 1", "\n".join(f"k{n} = 1" for n in range(3000))]
)
def test_config_bombs_are_told_at_once(capsys, tmp_path, text):
    path = tmp_path / "bomb.toml"
    path.write_text(text)
    code, _, err = outcome(capsys, path, "--batch")
    assert code == 2
    assert err.count("\n") <= 21


def test_more_frames_than_memory_holds_are_refused(write, capsys):
    config = write("a\n" * 20_000, generation="variants = 1000")
    code, _, err = outcome(capsys, config, "--dry-run")
    assert code == 2
    assert "20,000,000 frames are more than" in err


def test_a_prompt_of_any_length_is_cut_with_a_word(write, capsys):
    code, out, _ = outcome(capsys, write("x " * 100_000), "--dry-run")
    assert code == 0
    assert "1 prompt is cut to 10,000 characters" in out


def test_text_with_lone_surrogates_is_refused(write, capsys):
    code, _, err = outcome(capsys, write(b"+2AA-boat\nx", "encoding = 'utf-7'"), "--dry-run")
    assert code == 2
    assert "is not utf-7" in err


def test_changes_that_a_script_makes_to_its_dicts_are_told(tmp_path, capsys):
    script = tmp_path / "run.py"
    script.write_text(
        "# -*- coding: latin-1 -*-\n"
        "prompt_config = {'source': 'a.txt'}\ngeneration_config = {}\n"
        "style_configs = [{'style': 'oil', 'file_tag': 'oil', 'weight': 0.9}]\n"
        "style_configs += [{}]\nprompt_config.update(key='x')\n"
    )
    code, _, err = outcome(capsys, "convert", script, "-o", tmp_path / "my.toml")
    assert code == 0
    assert "line 5: the change to style_configs" in err
    assert "line 6: the change to prompt_config" in err


def test_every_json_run_ends_with_one_event_whatever_went_wrong(write, capsys):
    for arguments in (
        ["--set", "prompt_config.source='no'"],
        ["--set", "generation_config.preview='feh'"],
        ["--set", "x"],
    ):
        code, out, _ = outcome(capsys, write(), "--batch", "--json", *arguments)
        assert code in (2, 3)
        assert json.loads(out)["event"] == "RunFailed"
    with pytest.raises(SystemExit):
        main([str(write()), "--json", "--dry-run"])


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">/dev/full", "| head -n 1"])
def test_a_dry_run_survives_its_streams(write, streams):
    command = f"{sys.executable} tui.py {write('a boat' + chr(10) * 2)} --dry-run {streams}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if "full" in streams else 0)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("output", ["", "a\nb", "a\x9bb", "a\u202eb", "a\udc9bb", "~nobody-of-that-name/x"])
def test_an_output_that_breaks_lines_or_that_nobody_has_is_refused(write, capsys, output):
    code, _, err = outcome(capsys, write(), "--batch", "--output", output)
    assert code == 2
    assert err.startswith("sframes: --output ")
    assert err.count("\n") == 1


def test_file_names_of_another_encoding_are_refused(write):
    path = write(styles=STYLE.replace('"oil"', '"öl"'))
    ascii_names = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
    command = [sys.executable, "tui.py", path, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, env=ascii_names, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "set PYTHONUTF8=1" in done.stderr
    assert subprocess.run(command, env={**ascii_names, "PYTHONUTF8": "1"}, capture_output=True).returncode == 0


def test_a_working_folder_that_is_gone_is_a_sentence(write, capsys, tmp_path, monkeypatch):
    config, gone = write(), tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, _, err = outcome(capsys, config, "--dry-run")
    assert code == 2
    assert err == "sframes: the working folder can't be used: No such file or directory; change to another\n"


def test_doctor_tells_of_a_cache_that_is_no_folder(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    code, out, _ = outcome(capsys, "doctor")
    assert code == 0
    assert "cache         can't be read: Scan cache expects a directory" in out


@pytest.mark.parametrize("place", ["/proc/x.png", "/dev/null", "/nowhere/x.png", "x" * 300])
def test_a_picture_that_could_not_be_kept_is_not_drawn_again(capsys, place):
    code, _, err = outcome(capsys, "again", "no-picture.png", "-o", place)
    assert code == 2
    assert err.startswith(f"sframes: {place}: ")


def test_a_trust_store_that_cannot_be_used_is_a_sentence(write, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sframes_tui.run.beside.trust.STORE", tmp_path)
    config = write(generation='preview = "feh"')
    for arguments in ([config, "--batch"], ["trust", config]):
        code, _, err = outcome(capsys, *arguments)
        assert code == 3
        assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["configs/lighthouse.toml"]])
def test_the_screen_needs_a_terminal(capsys, arguments):
    said = "sframes: the screen needs a terminal on stdin and stdout; without one, draw with --batch\n"
    assert outcome(capsys, *arguments) == (2, "", said)
