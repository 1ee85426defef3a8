"""What pictures depend on: every option's mark, and identities that hold to them."""

import pytest

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, effects, options_that
from sframes_tui.config.options import SECTIONS, options
from sframes_tui.model.sampling import Sampling
from sframes_tui.model.source import ModelSource
from sframes_tui.plan.identity import Identities, joined, model_fingerprint, model_identity
from sframes_tui.plan.plan import make_plan
from tests.plan.test_plan import DDIM, config, story

TEXTS = {
    "scheduler": "EulerDiscrete",
    "device": "cpu",
    "preview": "off",
    "preview_stop": "stop",
    "notify": "https://example.org",
}
"""Other values of options that take some texts only."""


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_option_is_marked_by_what_it_does_to_pictures(section):
    marked = {key: effects(field) for key, field in section.model_fields.items()}
    assert {key: marks for key, marks in marked.items() if len(marks) != 1} == {}


def another(key):
    """A value of a generation option that isn't its default."""
    option = next(each for each in options() if each.path == f"generation_config.{key}")
    if option.control == "switch":
        return not option.preset
    if option.choices:
        return next(each for each in option.choices if each != option.preset)
    if option.control in ("whole number", "pixels", "seed"):
        return 64 if option.preset != 64 else 72
    if option.control == "number":
        return 0.5
    return TEXTS.get(key, "x")


def first_picture(sampling=DDIM, overflows=True, **values):
    return Identities(make_plan(config(**values), story(1), sampling, 1), "model").own(0, overflows=overflows)


@pytest.mark.parametrize("key", options_that(GenerationConfig, Effect.DRAWS))
def test_another_value_of_an_option_that_draws_is_another_picture(key):
    assert first_picture(**{key: another(key)}) != first_picture()


@pytest.mark.parametrize("effect", [Effect.TOLD, Effect.HARMLESS])
def test_another_value_of_an_option_that_does_not_draw_is_the_same_picture(effect):
    changed = {key: another(key) for key in options_that(GenerationConfig, effect)}
    assert first_picture(**changed) == first_picture()


@pytest.mark.parametrize(
    ("sampling", "before", "after"),
    [
        (Sampling(scheduler="PNDM"), {"eta": 0.1}, {"eta": 0.7}),
        (DDIM, {"guidance_scale": 1.0}, {"guidance_scale": 1.0, "negative_prompt": "fog"}),
        (DDIM, {}, {"negative_prompt": ""}),
    ],
)
def test_an_option_without_effect_changes_no_picture(sampling, before, after):
    assert first_picture(sampling, **before) == first_picture(sampling, **after)


def test_on_overflow_counts_only_where_a_prompt_overflows():
    assert first_picture(overflows=False, on_overflow="truncate") == first_picture(overflows=False)
    identities = Identities(make_plan(config(), story(1), DDIM, 1), "model")
    known = [
        first_picture(overflows=each, on_overflow=how) for each in (False, True) for how in ("shorten", "truncate")
    ]
    assert [identities.is_right(joined(each, None), 0, None, None) for each in known] == [True, True, True, False]


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint with its configuration beside it."""
    (tmp_path / "one.safetensors").write_bytes(bytes(3_000_000))
    for name in ("model_index.json", "scheduler/scheduler_config.json", "tokenizer/spiece.model", "unet/x.safetensors"):
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / name).write_text("{}")
    return tmp_path / "one.safetensors"


def content(path):
    return model_fingerprint(ModelSource(path.name, "checkpoint" if path.is_file() else "folder", path))


def test_a_renamed_checkpoint_is_the_same_model(checkpoint):
    before = content(checkpoint)
    checkpoint.with_suffix("").rename(checkpoint.with_name("two"))
    assert content(checkpoint.rename(checkpoint.with_name("two.safetensors"))) == before


@pytest.mark.parametrize(
    "file", ["one.safetensors", "one/scheduler/scheduler_config.json", "one/tokenizer/spiece.model"]
)
def test_a_checkpoint_counts_with_the_configuration_beside_it(checkpoint, file):
    before = content(checkpoint)
    (checkpoint.parent / file).write_text("{ }")
    assert content(checkpoint) != before


def test_what_a_checkpoint_takes_nothing_from_does_not_count(checkpoint):
    before = content(checkpoint)
    (checkpoint.with_suffix("") / "unet" / "x.safetensors").write_text("other")
    (checkpoint.with_suffix("") / "notice.txt").write_text("Be kind.")
    assert content(checkpoint) == before


def test_a_folders_files_count_but_for_its_notice(checkpoint):
    folder = checkpoint.with_suffix("")
    before = content(folder)
    (folder / "notice.txt").write_text("Be kind.")
    assert content(folder) == before
    (folder / "tokenizer" / "spiece.model").write_text("other")
    assert content(folder) != before


@pytest.mark.parametrize(
    ("files", "dtype", "picked"),
    [(("a.fp16",), "auto", "fp16"), (("a", "a.fp16"), "float16", "fp16"), (("a", "a.fp16"), "auto", None)],
)
def test_the_variant_that_is_picked_is_the_same_model_asked_for_or_not(tmp_path, files, dtype, picked):
    (tmp_path / "unet").mkdir()
    for name in files:
        (tmp_path / "unet" / f"{name}.safetensors").write_text("weights")
    source = ModelSource("m", "folder", tmp_path)

    def identity(variant):
        return model_identity(source, GenerationConfig(variant=variant, dtype=dtype))

    assert identity(None) == identity(picked)
    assert identity("ema") != identity(None)
