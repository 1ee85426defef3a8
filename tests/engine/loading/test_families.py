"""Only the pipelines that draw are imported, and they are the ones that diffusers would take."""

import subprocess
import sys

import diffusers
import pytest
from diffusers.pipelines import auto_pipeline

from sframes_tui.engine.loading.families import COMMON, image_pipeline, import_for, text_class
from sframes_tui.model.source import ModelSource, locate_model
from tests.engine import tiny

TEXT = auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING
IMAGE = auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING


@pytest.mark.parametrize("family", COMMON)
def test_the_common_families_are_diffusers_own_pairs(family):
    kinds = [kind for kind, known in TEXT.items() if known.__name__ == f"{family}Pipeline"]
    assert [IMAGE[kind].__name__ for kind in kinds] == [f"{family}Img2ImgPipeline"]
    assert text_class(f"{family}Pipeline") is text_class(f"{family}Img2ImgPipeline") is TEXT[kinds[0]]


@pytest.mark.parametrize("kind", [kind for kind in TEXT if kind in IMAGE])
def test_every_class_that_diffusers_knows_is_found(kind):
    assert text_class(TEXT[kind].__name__) is TEXT[kind]
    assert text_class(IMAGE[kind].__name__).__name__ == TEXT[kind].__name__


def test_what_draws_from_no_text_is_not_found():
    assert text_class("StableVideoDiffusionPipeline") is text_class(None) is text_class("__class__") is None


@pytest.mark.parametrize("make", [tiny.tiny_sd, tiny.tiny_sdxl, tiny.tiny_sd3, tiny.tiny_flux, tiny.tiny_lcm])
def test_the_pair_is_what_auto_pipeline_makes(make, tmp_path):
    text = diffusers.AutoPipelineForText2Image.from_pretrained(make(tmp_path))
    ours, theirs = image_pipeline(text), diffusers.AutoPipelineForImage2Image.from_pipe(text)
    assert type(ours) is type(theirs)
    assert {name: id(part) for name, part in ours.components.items()} == {
        name: id(part) for name, part in theirs.components.items()
    }
    kept = {key: value for key, value in theirs.config.items() if not key.startswith("_")}
    assert {key: value for key, value in ours.config.items() if not key.startswith("_")} == kept


IMPORTS = """
import sys
from sframes_tui.engine.loading.families import import_for
from sframes_tui.config.config import GenerationConfig
from sframes_tui.model.source import locate_model
slices = list(import_for(locate_model("builtin:picturebook")))
before = set(sys.modules)
from sframes_tui.engine.models import load_engine
load_engine(GenerationConfig(model="builtin:picturebook", num_inference_steps=2))
large = ("diffusers.models.", "diffusers.pipelines.", "transformers.models.")
late = sorted(name for name in set(sys.modules) - before if name.startswith(large))
assert "diffusers.pipelines.auto_pipeline" not in sys.modules
print(len(slices), *late)
"""


def test_nothing_is_left_to_import_once_that_was_done_in_slices():
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    count, *late = done.stdout.split()
    assert int(count) >= 8
    assert late == []


def test_a_model_that_is_not_here_gives_the_libraries(tmp_path):
    slices = list(import_for(ModelSource("nobody/nothing", "hub", None)))
    assert slices == ["torch", "transformers", "diffusers", "sframes_tui.engine.models"]
    assert "UNet2DConditionModel" in list(import_for(locate_model(str(tiny.tiny_sd(tmp_path)))))
