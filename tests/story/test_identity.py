"""What pictures depend on: every option's mark, and identities that hold to them."""

import pytest

from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.effect import Effect, effects, options_that
from sframes_tui.story.identity import Identities
from sframes_tui.story.options import SECTIONS, options
from sframes_tui.story.plan import make_plan
from tests.story.test_plan import DDIM, config, story

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
    if option.control in ("whole number", "pixels"):
        return 64 if option.preset != 64 else 72
    if option.control == "number":
        return 0.5
    return TEXTS.get(key, "x")


def first_picture(**values):
    return Identities(make_plan(config(**values), story(1), DDIM, 1), "model").all()[0]


@pytest.mark.parametrize("key", options_that(Effect.DRAWS, GenerationConfig))
def test_another_value_of_an_option_that_draws_is_another_picture(key):
    assert first_picture(**{key: another(key)}) != first_picture()


@pytest.mark.parametrize("effect", [Effect.TOLD, Effect.HARMLESS])
def test_another_value_of_an_option_that_does_not_draw_is_the_same_picture(effect):
    changed = {key: another(key) for key in options_that(effect, GenerationConfig)}
    assert first_picture(**changed) == first_picture()
