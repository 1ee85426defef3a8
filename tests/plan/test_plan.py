"""Plans: bases, words, steps and notes, as the words of the design say them."""

import time

import pytest

from sframes_tui.config.config import Config
from sframes_tui.model.sampling import Sampling
from sframes_tui.model.source import ModelSource
from sframes_tui.plan.change import Change
from sframes_tui.plan.identity import Identities, model_fingerprint
from sframes_tui.plan.plan import make_plan
from sframes_tui.text.split import Chapter, Story

DDIM = Sampling(scheduler="DDIM")


def config(styles=3, **options):
    weights = [0.9, 0.5, 0.1, 0.2, 0.3, 0.4]
    return Config.model_validate(
        {
            "prompt_config": {"source": "a.txt"},
            "generation_config": options,
            "style_configs": [
                {"style": f"style {each}", "file_tag": f"tag{each}", "weight": weights[each]} for each in range(styles)
            ],
        }
    )


def story(*prompt_counts):
    chapters = [
        Chapter(f"Chapter {number}", tuple(f"prompt {number}-{each}" for each in range(count)))
        for number, count in enumerate(prompt_counts)
    ]
    return Story("key", tuple(chapters))


def rotate(things):
    return [*things[1:], things[0]]


def original_loop(chapters, styles, *, progressive, interleave, cycle):
    """The 2022 script's rotation, with names in place of pictures: yields (name, base, words)."""
    last, words = [None] * styles, list(range(styles))
    for chapter, prompts in enumerate(chapters):
        for prompt in range(prompts):
            for style in range(styles):
                base = last[style] if progressive else None
                last[style] = (chapter, prompt, style)
                yield last[style], base, words[style]
            last = rotate(last) if interleave else last
            words = rotate(words) if cycle else words


@pytest.mark.parametrize("interleave", [False, True])
@pytest.mark.parametrize("cycle", [False, True])
def test_bases_and_words_are_those_of_the_original_loop(interleave, cycle):
    plan = make_plan(config(interleave=interleave, cycle_styles=cycle), story(3, 2), DDIM, 1)
    planned = []
    for frame in plan.frames:
        base = None if frame.base is None else plan.frames[frame.base]
        place = None if base is None else (base.chapter, base.prompt, base.style)
        planned.append(((frame.chapter, frame.prompt, frame.style), place, frame.words))
    expected = original_loop([3, 2], 3, progressive=True, interleave=interleave, cycle=cycle)
    assert planned == list(expected)


def test_without_progressive_every_frame_starts_from_noise_and_nothing_moves():
    plan = make_plan(config(progressive=False, interleave=True, cycle_styles=True), story(2, 2), DDIM, 1)
    begun = {(frame.base, frame.link, frame.strength, frame.steps) for frame in plan.frames}
    assert begun == {(None, "noise", None, 50)}
    assert all(frame.words == frame.style for frame in plan.frames)
    assert [note.text for note in plan.notes if note.level == "warning"] == [
        "interleave has no effect, since progressive is false",
        "cycle_styles has no effect, since progressive is false",
    ]


def test_chain_scope_chapter_starts_every_chapter_from_noise():
    plan = make_plan(config(chain_scope="chapter"), story(2, 2), DDIM, 1)
    assert [frame.base is None for frame in plan.frames] == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 3


def test_variants_have_chains_and_seeds_of_their_own():
    once, twice = (make_plan(config(variants=count), story(2), DDIM, 1) for count in (1, 2))
    assert twice.frames[: len(once.frames)] == once.frames
    assert [frame.variant for frame in twice.frames] == [0] * 6 + [1] * 6
    assert all(frame.base is None or twice.frames[frame.base].variant == frame.variant for frame in twice.frames)
    assert len({twice.frame_seed(frame) for frame in twice.frames}) == 12


def test_a_frames_seed_depends_on_the_run_seed_and_its_place_alone():
    small, large = make_plan(config(2), story(2), DDIM, 7), make_plan(config(3), story(4, 4), DDIM, 7)
    assert small.frame_seed(small.frames[3]) == large.frame_seed(large.frames[4])
    assert small.frame_seed(small.frames[3]) != make_plan(config(2), story(2), DDIM, 8).frame_seed(small.frames[3])
    assert all(0 <= large.frame_seed(frame) < 2**32 for frame in large.frames)
    assert small.frame_seed(small.frames[0], attempt=1) != small.frame_seed(small.frames[0])


@pytest.mark.parametrize(
    ("sampling", "steps", "strength", "real"),
    [
        (DDIM, 50, None, 50),
        (DDIM, 50, 0.9, 45),
        (DDIM, 50, 0.58, 28),
        (DDIM, 100, 0.29, 28),
        (DDIM, 20, 0.04, 0),
        (Sampling(family="flow", scheduler="FlowMatchEulerDiscrete"), 50, 0.33, 17),
        (Sampling(family="flow", scheduler="FlowMatchEulerDiscrete"), 4, 0.2, 1),
        (Sampling(scheduler="PNDM"), 50, None, 51),
        (Sampling(scheduler="PNDM"), 50, 0.1, 6),
        (Sampling(scheduler="PNDM"), 50, 0.0, 0),
        (Sampling(scheduler="HeunDiscrete"), 50, 0.1, 9),
        (Sampling(scheduler="HeunDiscrete"), 50, None, 99),
    ],
)
def test_real_steps_follow_each_schedulers_rule(sampling, steps, strength, real):
    counted = sampling.steps_from_noise(steps) if strength is None else sampling.steps_from_picture(steps, strength)
    assert counted == real


def test_a_weight_that_leaves_no_step_carries_the_base_over_and_says_so():
    plan = make_plan(config(num_inference_steps=5), story(3), DDIM, 1)
    idle = [frame for frame in plan.frames if frame.steps == 0]
    assert {frame.style for frame in idle} == {2}
    assert all(frame.base is not None for frame in idle)
    assert {frame.link for frame in idle} == {"carried"}
    assert {frame.link for frame in plan.frames if frame not in idle} == {"noise", "img2img"}
    assert any("weight 0.1 of 5 steps leaves no step to run, so 2 frames" in note.text for note in plan.notes)


def test_eta_without_effect_is_a_warning_only_where_somebody_asked_for_it():
    pndm = Sampling(scheduler="PNDM")
    assert [note.level for note in make_plan(config(eta=0.3), story(1), pndm, 1).notes] == ["warning"]
    assert [note.level for note in make_plan(config(), story(1), pndm, 1).notes] == ["info"]
    assert make_plan(config(eta=0.3), story(1), DDIM, 1).notes == ()


def test_a_model_without_img2img_draws_everything_from_noise_and_says_so():
    plan = make_plan(config(), story(2), Sampling(scheduler="DDIM", img2img=False), 1)
    assert all(frame.base is None for frame in plan.frames)
    assert any("no img2img" in note.text for note in plan.notes)


def test_identities_change_with_all_that_goes_into_a_picture_and_with_the_bases():
    first = make_plan(config(), story(3), DDIM, 1)
    same = make_plan(config(variants=2), story(3, 2), DDIM, 1)
    assert identities(first) == identities(same)[:9]
    edited = Story("key", (Chapter("x", ("prompt 0-0", "another", "prompt 0-2")),))
    changed = identities(make_plan(config(), edited, DDIM, 1))
    assert [a == b for a, b in zip(identities(first), changed, strict=True)] == [True] * 3 + [False] * 6
    assert not set(identities(first)) & set(identities(make_plan(config(guidance_scale=7.0), story(3), DDIM, 1)))
    assert not set(identities(first)) & set(identities(make_plan(config(), story(3), DDIM, 2)))
    assert not set(identities(first)) & set(identities(first, "another model"))


def identities(plan, model="model"):
    return Identities(plan, model).all()


def test_a_changed_frame_and_those_drawn_from_it_have_other_identities():
    plan = make_plan(config(), story(3), DDIM, 1)
    for change in (Change(1), Change(0, seed=5), Change(0, prompt="another"), Change(0, strength=0.7)):
        changed = plan.with_changes({4: change})
        moved = {a.number for a, b, c in zip(plan.frames, identities(plan), identities(changed), strict=True) if b != c}
        assert moved == {4, *(frame.number for frame in plan.descendants(plan.frames[4]))}
    assert changed.frames[4].steps == DDIM.steps_from_picture(50, 0.7)


@pytest.mark.parametrize(("strength", "link"), [(0.0, "carried"), (0.01, "carried"), (0.5, "img2img")])
def test_another_strength_makes_another_link_but_of_none(strength, link):
    plan = make_plan(config(), story(2), DDIM, 1)
    changed = plan.with_changes(dict.fromkeys((1, 4), Change(1, strength=strength)))
    assert changed.frames[1] == plan.frames[1]
    assert (changed.frames[4].link, changed.frames[4].strength) == (link, strength)
    assert plan.from_noise(changed.frames[4]) == plan.frames[4]._replace(
        base=None, link="noise", strength=None, steps=50
    )


@pytest.mark.parametrize("interleave", [False, True])
def test_descendants_are_those_whose_bases_lead_to_the_frame(interleave):
    plan = make_plan(config(interleave=interleave), story(3, 2), DDIM, 1)

    def leads(frame, to):
        return frame.base is not None and (frame.base == to.number or leads(plan.frames[frame.base], to))

    for frame in plan.frames:
        assert plan.descendants(frame) == tuple(other for other in plan.frames if leads(other, frame))
    names = [plan.name(each) for each in plan.descendants(plan.frames[1])]
    assert names == (["tag0 0-1", "tag2 0-2", "tag1 1-0", "tag0 1-1"] if interleave else names)


def test_a_model_is_known_by_its_content(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(3_000_000))
    source = ModelSource("m", "folder", tmp_path)
    before = model_fingerprint(source)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert model_fingerprint(ModelSource("n", "folder", moved)) == before
    (moved / "model.safetensors").write_bytes(bytes(2_999_999) + b"x")
    assert model_fingerprint(ModelSource("n", "folder", moved)) != before


def test_a_whole_bible_in_six_styles_is_planned_in_seconds():
    long_story = story(*[26] * 1196, 6)
    started = time.process_time()
    plan = make_plan(config(6), long_story, DDIM, 1)
    # An order of magnitude above what it takes: this catches a quadratic plan, not a slow machine.
    assert time.process_time() - started < 20
    assert len(plan.frames) == 31_102 * 6
