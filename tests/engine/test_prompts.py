"""Prompts in the windows of every text encoder."""

import time

import pytest

from sframes_tui.engine.loading.families import quiet
from sframes_tui.engine.loading.loading import load_folder
from sframes_tui.engine.prompts import PromptFitter, windows_of
from sframes_tui.errors import StoryError
from tests.engine import tiny

LONG = " ".join(f"{word} and the sea" for word in tiny.WORDS * 2)[:2000]
STYLE = "a watercolour painting of the quiet night"


@pytest.fixture(scope="module")
def pipes(tmp_path_factory):
    import torch

    quiet()
    makers = {"sd": tiny.tiny_sd, "sdxl": tiny.tiny_sdxl, "sd3": tiny.tiny_sd3, "flux": tiny.tiny_flux}
    folders = {kind: make(tmp_path_factory.mktemp(kind)) for kind, make in makers.items()}
    folders["window of 40"] = tiny.tiny_sd(tmp_path_factory.mktemp("forty"), window=40)
    return {kind: load_folder(folder, kind, torch.float32, None) for kind, folder in folders.items()}


KINDS = {"sd": [77], "sdxl": [77, 77], "sd3": [77, 77, 256], "flux": [77, 512], "window of 40": [40]}


@pytest.mark.parametrize("kind", KINDS)
def test_windows_are_those_of_the_encoders(pipes, kind):
    assert [window.length for window in windows_of(pipes[kind])] == KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_style_is_read_after_a_prompt_of_300_words(pipes, kind):
    prompt = " ".join((tiny.WORDS * 10)[:300])
    (fitted,) = PromptFitter.of(pipes[kind], "shorten").fit([prompt], STYLE)
    assert fitted.text.endswith(STYLE)
    kept = fitted.text.removesuffix(STYLE).strip()
    assert f"{kept} {fitted.lost}" == prompt
    for window in windows_of(pipes[kind]):
        read = window.tokenizer(fitted.text, truncation=True, max_length=window.length).input_ids
        style = window.tokenizer(STYLE, add_special_tokens=False).input_ids
        places = range(len(read) - len(style) + 1)
        assert any(read[place : place + len(style)] == style for place in places)


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_more_would_have_fitted(pipes, kind):
    (fitted,) = PromptFitter.of(pipes[kind], "shorten").fit([LONG], STYLE)
    kept = fitted.text.removesuffix(STYLE).strip()
    more = f"{kept} {fitted.lost.split()[0]} {STYLE}"
    assert any(window.counts([more])[0] > window.length for window in windows_of(pipes[kind]))


def test_what_fits_is_left_as_it_is(pipes):
    for mode in ("shorten", "truncate", "error"):
        fitter = PromptFitter.of(pipes["sd"], mode)
        assert [(each.text, each.lost) for each in fitter.fit(["  two  boats ", ""], "fog")] == [
            ("two  boats  fog", ""),
            ("fog", ""),
        ]
        assert fitter.fit(["a boat"], "")[0].text == "a boat"
        assert fitter.fit([], STYLE) == []


def test_truncating_says_what_falls_off(pipes):
    (fitted,) = PromptFitter.of(pipes["sd"], "truncate").fit([LONG], STYLE)
    assert fitted.text == f"{LONG} {STYLE}"
    assert fitted.text.endswith(fitted.lost)
    assert fitted.lost.endswith(STYLE)
    read = fitted.text.removesuffix(fitted.lost).strip()
    assert windows_of(pipes["sd"])[0].counts([read]) <= [77]


def test_refusing_lists_the_prompts(pipes):
    with pytest.raises(StoryError, match=r"2 prompts are longer than the 77 tokens") as caught:
        PromptFitter.of(pipes["sd"], "error").fit(["short", LONG, LONG], STYLE)
    assert str(caught.value).count(f'"{LONG[:60]}…"') == 2


def test_a_style_too_long_by_itself_is_said_and_cut(pipes):
    style = " ".join(tiny.WORDS * 4)
    (fitted,) = PromptFitter.of(pipes["sd"], "shorten").fit(["the red boat"], style)
    assert fitted.text == f"the red boat {style}"
    assert fitted.lost.startswith("the style alone is too long for this model")


def test_a_word_longer_than_the_window_is_lost_whole(pipes):
    (fitted,) = PromptFitter.of(pipes["sd"], "shorten").fit(["x" * 1000], STYLE)
    assert (fitted.text, fitted.lost) == (STYLE, "x" * 1000)


def test_a_tokenizer_can_still_cut_and_pad_afterwards(pipes):
    PromptFitter.of(pipes["sd"], "shorten").fit([LONG], STYLE)
    read = pipes["sd"].tokenizer(LONG, padding="max_length", max_length=77, truncation=True).input_ids
    assert len(read) == 77


def test_six_styles_over_a_whole_bible_take_seconds(pipes):
    prompts = [f"{number} {' '.join(tiny.WORDS[number % 20 : number % 20 + 25])}" for number in range(31_102)]
    fitter, started = PromptFitter.of(pipes["sd"], "shorten"), time.process_time()
    for number in range(6):
        fitter.fit(prompts, f"style {number} oil painting")
    assert time.process_time() - started < 30


def test_a_count_made_for_one_style_holds_for_the_next(pipes):
    prompts = [" ".join(tiny.WORDS[:length]) for length in range(40, 48)]
    fitter = PromptFitter.of(pipes["window of 40"], "shorten")
    for style in ("fog", STYLE, ""):
        fresh = PromptFitter.of(pipes["window of 40"], "shorten").fit(prompts, style)
        assert fitter.fit(prompts, style) == fresh
