"""The scheduler that a configuration names, with the settings of the model's own. Loads no weights.

Only the own scheduler's configuration is read, so another takes its place also where its class can't be had.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.loading.model_settings import check_settings
from sframes_tui.engine.pipelines import Pipelines, Scheduler, scheduler_name
from sframes_tui.errors import ModelError, message_of
from sframes_tui.model.files import read_json
from sframes_tui.model.schedulers import SCHEDULERS, Sigmas, takes_sigmas, with_settings

CONFIGURATION = Path("scheduler", "scheduler_config.json")
NOT_INSTALLED = "which isn't installed"


def stand_in(folder: Path, model: str, config: GenerationConfig) -> Scheduler | None:
    """What to load in place of a model's own scheduler; None where the class of that can be had.

    `folder` is a diffusers folder. Raises `ModelError`, before anything is loaded, for a scheduler that is made for
    other models, or needs what isn't installed.
    """
    file = folder / CONFIGURATION
    settings = read_json(file, model) if file.exists() else {}
    check_settings(settings, CONFIGURATION.as_posix(), model)
    own = str(settings.get("_class_name", "")).removesuffix("Scheduler")
    missing = _why_missing(own) if own else None
    if config.scheduler is None and missing:
        raise ModelError(f'model {model!r}: its scheduler {own} {missing}; or set scheduler = "EulerDiscrete"')
    if config.scheduler is None and config.sigmas is None:
        return None
    if not own:
        raise ModelError(f"model {model!r}: it has no {CONFIGURATION}, so its scheduler can't be replaced")
    pipeline = str(read_json(folder / "model_index.json", model).get("_class_name"))
    made = _made(config, own, settings, pipeline)
    return made if missing else None


def use_scheduler(pipelines: Pipelines, config: GenerationConfig, stands_in: bool) -> None:
    """Puts the scheduler that is asked for in place of the model's own, with its settings.

    `stands_in` says that what was loaded isn't the model's own. Raises `ModelError`.
    """
    if config.scheduler is None and stands_in:
        raise ModelError("the model's own scheduler can't be had; set scheduler = \"EulerDiscrete\"")
    if config.scheduler is None and config.sigmas is None:
        return
    own = pipelines.scheduler
    scheduler = _made(config, scheduler_name(own), own.config, pipelines.name)
    for pipe in pipelines.all():
        pipe.scheduler = scheduler


def _made(config: GenerationConfig, own: str, settings: Mapping[str, object], pipeline: str) -> Scheduler:
    """The scheduler that is asked for; `own` and its `settings` are the model's."""
    import diffusers

    name = config.scheduler or own
    kind, changes = with_settings(name)
    fitting = fitting_schedulers(own, pipeline, settings.get("use_dynamic_shifting") is True)
    if config.scheduler is not None and kind not in fitting:
        raise ModelError(f"scheduler {name!r} doesn't fit {pipeline}; what fits is {', '.join(fitting)}")
    if missing := _why_missing(kind):
        raise ModelError(f"scheduler {name!r} {missing}")
    spaced = _spaced(name, config.sigmas)
    try:
        return getattr(diffusers, f"{kind}Scheduler").from_config(settings, **changes, **spaced)
    except ImportError:
        raise ModelError(f'sigmas = "{config.sigmas}" needs scipy, {NOT_INSTALLED}: `pip install scipy`') from None
    except Exception as error:
        raise ModelError(f"scheduler {name!r} can't be made for this model: {message_of(error)}") from error


def _spaced(name: str, sigmas: str | None) -> dict[str, bool]:
    if sigmas is None:
        return {}
    if not takes_sigmas(name):
        raise ModelError(f'sigmas = "{sigmas}": the scheduler {name} spaces its noise levels in one way only')
    return {f"use_{each}_sigmas": each == sigmas for each in get_args(Sigmas)}


def _why_missing(name: str) -> str | None:
    """Why a scheduler's class can't be had, as the end of a sentence: some come only with another library."""
    import diffusers

    kind = getattr(diffusers, f"{name}Scheduler", None)
    if kind is None:
        return "is none that the installed diffusers has"
    needed = [each for each in vars(kind).get("_backends", ()) if each != "torch"]
    if not needed:
        return None
    return f"needs {' and '.join(needed)}, {NOT_INSTALLED}: `pip install {' '.join(needed)}`"


def fitting_schedulers(own: str, pipeline: str, shifting: bool) -> list[str]:
    """The schedulers that a pipeline can work with, given the model's own and whether that shifts its sigmas by size.

    Flow models predict a velocity, which the others don't understand; and most of their pipelines hand over shifted
    sigmas, which of the flow schedulers only the Euler one takes.
    """
    if not own.startswith("FlowMatch"):
        return [*(name for name in SCHEDULERS if not name.startswith("FlowMatch")), "LMSDiscrete"]
    plain = pipeline.startswith("StableDiffusion3") and not shifting
    return ["FlowMatchEulerDiscrete", *(["FlowMatchHeunDiscrete"] if plain else [])]
