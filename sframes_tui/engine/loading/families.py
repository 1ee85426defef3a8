"""The libraries that a model needs: which of diffusers' pipelines draw with it, imported alone, and kept quiet.

`AutoPipelineForText2Image` knows them all, and imports them all, which takes a third more time than two; it is asked
only for the rarer ones.
"""

import logging
import warnings
from collections.abc import Iterator
from importlib import import_module

from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.model.files import read_json
from sframes_tui.model.source import ModelSource

COMMON = (
    "StableDiffusion",
    "StableDiffusionXL",
    "StableDiffusion3",
    "LatentConsistencyModel",
    "Flux",
    "QwenImage",
    "ZImage",
)
"""Families whose two classes are called so, with "Pipeline" and "Img2ImgPipeline" behind."""


def text_class(name: object) -> type | None:
    """The text-to-image class for a model whose index names the pipeline `name`; None where diffusers has none."""
    import diffusers

    for family in COMMON:
        if name in (f"{family}Pipeline", f"{family}Img2ImgPipeline"):
            common: type = getattr(diffusers, f"{family}Pipeline")
            return common
    text, image = _all_known()
    for table in (text, image):
        for kind, known in table.items():
            if known.__name__ == name and kind in text:
                return text[kind]
    return None


def _all_known() -> tuple[dict[str, type], dict[str, type]]:
    from diffusers.pipelines import auto_pipeline

    return auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING, auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING


def image_pipeline(text: Pipeline) -> Pipeline | None:
    """The image-to-image pipeline that shares a pipeline's parts; None where diffusers has none."""
    import diffusers

    family = type(text).__name__.removesuffix("Pipeline")
    if family not in COMMON:
        try:
            return diffusers.AutoPipelineForImage2Image.from_pipe(text)
        except ValueError:  # AutoPipeline knows none for this model
            return None
    kind: Pipeline = getattr(diffusers, f"{family}Img2ImgPipeline")
    parts, settings = kind._get_signature_keys(kind)  # noqa: SLF001
    shared = {name: part for name, part in text.components.items() if name in parts}
    return kind(**shared, **{name: text.config[name] for name in settings if name in text.config})


def quiet() -> None:
    """Keeps the libraries' warnings and progress bars off the terminal, which belongs to the program."""
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity(logging.CRITICAL)
    diffusers_logging.disable_progress_bar()
    hub_logging.set_verbosity(logging.CRITICAL)
    disable_progress_bars()
    warnings.filterwarnings("ignore", category=FutureWarning)  # said of our calls, which these versions pin
    for name in ("diffusers", "transformers", "huggingface_hub", "torch", "accelerate"):
        warnings.filterwarnings("ignore", module=rf"{name}(\..*)?$")


def import_for(source: ModelSource) -> Iterator[str]:
    """Imports what loading a model will need, a slice at each step, and yields what each slice was; loads nothing.

    A model that isn't on this machine gives the libraries alone.
    """
    for library in ("torch", "transformers", "diffusers", "sframes_tui.engine.models"):
        import_module(library)
        yield library
    quiet()
    folder = source.path if source.path is None or source.path.is_dir() else source.path.with_suffix("")
    if folder is None or not (folder / "model_index.json").is_file():
        return
    index = read_json(folder / "model_index.json", source.name)
    for part in index.values():
        if isinstance(part, list) and len(part) == 2 and part[0] in ("transformers", "diffusers"):
            getattr(import_module(part[0]), str(part[1]), None)
            yield str(part[1])
    if text := text_class(index.get("_class_name")):
        getattr(import_module("diffusers"), text.__name__.replace("Pipeline", "Img2ImgPipeline"), None)
        yield text.__name__
