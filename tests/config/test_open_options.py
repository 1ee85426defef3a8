"""Options that leave a choice to the program: each is settled in one place, and asked nowhere else."""

import ast
from pathlib import Path

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, effects

PACKAGE = Path(__file__).resolve().parents[2] / "sframes_tui"
CONFIGURATIONS = ("config", "options", "asked", "_config", "_asked", "generation_config")
"""What a generation configuration is called wherever its options are read."""

SETTLED = {
    # As far as can be known without loading anything.
    "seed": {"plan/draft.py", "plan/plan_text.py"},
    "revision": {"plan/draft.py", "engine/loading/hub.py", "engine/models.py", "run/again.py"},
    "scheduler": {"plan/draft.py", "engine/loading/scheduling.py", "run/record/past_run.py"},
    "sigmas": {"plan/draft.py", "engine/loading/scheduling.py", "plan/plan_text.py"},
    # By the device and the model that is loaded; a model's identity and whether it is kept go by what is asked for.
    "device": {"engine/models.py", "engine/model_cache.py"},
    "dtype": {"engine/models.py", "engine/device/cuda.py", "engine/model_cache.py", "plan/identity.py"},
    "variant": {"engine/loading/hub.py", "engine/loading/loading.py", "plan/identity.py"},
    "width": {"engine/models.py"},
    "height": {"engine/models.py"},
    "engine": {"engine/models.py"},
    # By timing the engine; a recipe tells how many there were.
    "rows": {"run/drawing.py", "run/again.py", "run/record/past_run.py"},
    # None is a value.
    "negative_prompt": {"engine/arguments.py", "plan/identity.py", "run/record/png.py"},
}
"""By option the files that ask for it; all others read what became of it."""


def open_options():
    fields = GenerationConfig.model_fields.items()
    return {key for key, field in fields if field.default in (None, "auto") and Effect.HARMLESS not in effects(field)}


def asked():
    """The open options that are read of a configuration, each with the file that reads it."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in open_options():
                owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
                if owner in CONFIGURATIONS:
                    yield node.attr, path.relative_to(PACKAGE).as_posix()


def test_every_option_that_leaves_a_choice_is_settled_where_it_is_said_and_asked_nowhere_else():
    assert SETTLED.keys() == open_options()
    assert set(asked()) - {(key, file) for key, files in SETTLED.items() for file in files} == set()
