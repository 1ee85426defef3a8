"""Under which circumstances a run is drawn, by the marks of the options."""

import pytest

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, effects, options_that
from sframes_tui.engine.resolved import Resolved
from sframes_tui.run.record.header import circumstances, differences
from tests.plan.test_identity import another
from tests.run.record.test_png import FACTS

DECIDED = ("device", "engine", "rows")
"""Told as the loaded model has them, whatever was asked for."""


def resolved(**options):
    return Resolved(GenerationConfig(**options), FACTS, 2)


@pytest.mark.parametrize("key", options_that(GenerationConfig, Effect.TOLD))
def test_another_value_of_an_option_that_may_change_bytes_is_told_where_a_run_goes_on(key):
    first = {"circumstances": circumstances(resolved())}
    told = differences(first, resolved(**{key: another(key)}))
    assert (told is None) == (key in DECIDED)
    assert told is None or f"{key} was " in told


@pytest.mark.parametrize("effect", [Effect.DRAWS, Effect.LOADS, Effect.PLANS, Effect.HARMLESS])
def test_another_value_of_any_other_option_is_not(effect):
    changed = {key: another(key) for key in options_that(GenerationConfig, effect)}
    first = {"circumstances": circumstances(resolved())}
    assert differences(first, resolved(**changed)) is None


def test_nothing_that_may_change_a_pictures_bytes_is_left_to_be_picked():
    told = circumstances(resolved())
    left_open = [key for key, field in GenerationConfig.model_fields.items() if field.default in (None, "auto")]
    marked = [key for key in left_open if Effect.TOLD in effects(GenerationConfig.model_fields[key])]
    assert {key: told[key] for key in marked} == {"device": "cpu", "engine": "reference", "rows": "2"}
