"""Places that are left out: their notation, and what a plan makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.file import parse_config
from sframes_tui.config.leave_out import LeftOut, beyond
from sframes_tui.errors import ConfigError, StoryError
from sframes_tui.plan.draft import make_draft
from sframes_tui.plan.plan import make_plan
from sframes_tui.plan.plan_text import describe_plan
from tests.plan.test_plan import DDIM, config, story

COUNTS = (3, 1, 4)
PLACES = [(chapter, prompt) for chapter, count in enumerate(COUNTS) for prompt in range(count)]


def left(items):
    return [place for place in PLACES if place in LeftOut.parse(items)]


def leaving_out(*items, styles=2, **options):
    base = config(styles, **options)
    prompts = base.prompt_config.model_copy(update={"leave_out": list(items)})
    return base.model_copy(update={"prompt_config": prompts})


@pytest.mark.parametrize(
    ("items", "places"),
    [
        ([], []),
        (["1"], [(1, 0)]),
        (["0-1"], [(0, 1)]),
        (["0-2..2-1"], [(0, 2), (1, 0), (2, 0), (2, 1)]),
        (["0..1"], PLACES[:4]),
        (["0-1..1"], [(0, 1), (0, 2), (1, 0)]),
        (["2-0", "2-1..2-3", "2-2", "9"], PLACES[4:]),
    ],
)
def test_an_item_is_a_chapter_a_prompt_or_a_range_of_them(items, places):
    assert left(items) == places
    assert left(LeftOut.parse(items).items()) == places


@pytest.mark.parametrize("item", ["", "x", "-1", "1-", "1..", "1-2-3", "²", "2..1", "1-4..1-3", "99999999"])
def test_what_is_no_place_is_refused_and_named(item):
    with pytest.raises(ValueError, match=r"is no place in the text|ends before it begins"):
        LeftOut.parse(["1", item])


places = st.sampled_from([(chapter, prompt) for chapter, prompt in [*PLACES, *[(each, None) for each in range(3)]]])


@given(st.lists(places, max_size=12))
def test_toggling_does_what_it_says_and_its_notation_says_the_same(toggles):
    left_out, expected = LeftOut(), set()
    for chapter, prompt in toggles:
        left_out = left_out.toggled(chapter, prompt, COUNTS[chapter])
        chosen = {(chapter, each) for each in (range(COUNTS[chapter]) if prompt is None else [prompt])}
        expected = expected - chosen if chosen <= expected else expected | chosen
        assert set(left(left_out.items())) == expected
        counts = [left_out.prompts(each, count) for each, count in enumerate(COUNTS)]
        assert counts == [sum(place[0] == each for place in expected) for each in range(3)]


def test_notation_is_short_and_keeps_what_this_text_does_not_have():
    left_out = LeftOut.parse(["7-3", "0", "12..14"])
    for prompt in range(4):
        left_out = left_out.toggled(2, prompt, 4)
    assert left_out.toggled(1, 0, 1).items() == ("0..2", "7-3", "12..14")
    assert beyond(left_out, COUNTS) == ("7-3", "12..14")


def test_frames_are_left_out_while_names_and_seeds_stay():
    whole = make_plan(config(2), story(3, 1, 2), DDIM, 7)
    part = make_plan(leaving_out("0-1", "1"), story(3, 1, 2), DDIM, 7)
    assert [part.name(frame) for frame in part.frames[::2]] == ["tag0 0-0", "tag0 0-2", "tag0 2-0", "tag0 2-1"]
    seeds = {whole.name(frame): whole.frame_seed(frame) for frame in whole.frames}
    assert all(part.frame_seed(frame) == seeds[part.name(frame)] for frame in part.frames)
    assert [frame.number for frame in part.frames] == list(range(8))
    assert part.chapter_frames(0, 1) == ()
    assert list(part.chapter_keys) == [(0, 0), (0, 2)]


def test_chains_go_on_over_the_gap_from_the_last_picture_drawn():
    plan = make_plan(leaving_out("0-1..1", interleave=False), story(2, 2, 2), DDIM, 1)
    bases = [None if frame.base is None else plan.name(plan.frames[frame.base]) for frame in plan.frames]
    assert bases == [None, None, "tag0 0-0", "tag1 0-0", "tag0 2-0", "tag1 2-0"]


def test_leaving_out_everything_is_an_error_and_nothing_is_said_of_leaving_out_nothing():
    with pytest.raises(StoryError, match="leave_out leaves nothing to draw"):
        make_plan(leaving_out("0..9"), story(2, 2), DDIM, 1)
    assert make_plan(leaving_out("1-1", "8", eta=0.0), story(2, 2), DDIM, 1).notes[0].text == (
        "leave_out: 1 of 4 prompts are left out"
    )
    assert any("nothing in this text is 8" in n.text for n in make_plan(leaving_out("8"), story(2), DDIM, 1).notes)
    assert make_plan(config(eta=0.0), story(2), DDIM, 1).notes == ()


def test_a_bad_item_in_a_file_is_one_sentence_and_the_dry_run_shows_the_gap(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    text = (
        '[prompt_config]\nsource = "a.txt"\nleave_out = ["0-1"]\n'
        '[generation_config]\nmodel = "builtin:picturebook"\n'
        '[[style_configs]]\nstyle = "ink"\nfile_tag = "ink"\nweight = 0.5\n'
    )
    with pytest.raises(ConfigError, match=r"prompt_config\.leave_out.*'4_7' is no place in the text"):
        parse_config(text.replace("0-1", "4_7"), tmp_path / "c.toml")
    lines = "\n".join(describe_plan(make_draft(parse_config(text, tmp_path / "c.toml")).plan))
    assert "(3 prompts, 2 of them drawn)" in lines
    assert "1 chapter, 2 prompts, 1 style, 2 frames" in lines
    assert "0-1 two" not in lines
