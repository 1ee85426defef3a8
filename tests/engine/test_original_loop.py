"""The engine, planned and driven by the program's own loop, against a plain transcription of the original loop.

The transcription knows nothing of the program but the seeds: it holds the last picture of every style in a list, as
the original script did, and calls diffusers' own pipelines.
"""

from collections import deque
from datetime import datetime
from itertools import product

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from sframes_tui.config.config import Config, GenerationConfig, PromptConfig, StyleConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.events import Control
from sframes_tui.run.loop import Loop
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.text.split import Chapter, Story
from tests.engine import tiny
from tests.run.paint import new_drawing

CHAPTERS = (
    ("the red boat", "a dark storm over the sea", "the keeper sleeps"),
    ("snow on the town", "a cat by the lamp", "dawn light"),
)
STYLES = (("a watercolour painting", "water", 0.9), ("oil painting of night", "oil", 0.5), ("white fog", "fog", 0.1))
STEPS, GUIDANCE = 10, 7.5


def transcription(folder, eta, seeds, progressive=True, interleave=False, cycle=False):
    """The original's loop: pictures by (chapter, prompt, style)."""
    text_to_image = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    image_to_image = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None)
    for pipe in (text_to_image, image_to_image):
        pipe.set_progress_bar_config(disable=True)
    texts = deque(text for text, _, _ in STYLES)
    last_images = deque([None] * len(STYLES))
    pictures = {}
    for chapter, prompts in enumerate(CHAPTERS):
        for index, prompt in enumerate(prompts):
            for style, (_, _, weight) in enumerate(STYLES):
                generator = torch.Generator().manual_seed(seeds[chapter, index, style])
                common = {"guidance_scale": GUIDANCE, "eta": eta, "num_inference_steps": STEPS, "generator": generator}
                words = f"{prompt} {texts[style]}"
                if progressive and last_images[style] is not None:
                    image = image_to_image(words, image=last_images[style], strength=weight, **common).images[0]
                else:
                    image = text_to_image(words, **common).images[0]
                last_images[style] = pictures[chapter, index, style] = image
            if interleave:
                last_images.rotate(-1)
            if cycle:
                texts.rotate(-1)
    return pictures


def drawn(folder, tmp_path, eta, **options):
    """The same by the program: plan, loop and engine; pictures read from the run folder, and the frames' seeds."""
    generation = GenerationConfig(
        model=str(folder), num_inference_steps=STEPS, guidance_scale=GUIDANCE, eta=eta, seed=7, **options
    )
    config = Config(
        prompt_config=PromptConfig(source="story.txt"),
        generation_config=generation,
        style_configs=[StyleConfig(style=style, file_tag=tag, weight=weight) for style, tag, weight in STYLES],
    )
    story = Story("story", tuple(Chapter(f"chapter {number}", prompts) for number, prompts in enumerate(CHAPTERS)))
    engine = load_engine(generation)
    plan = make_plan(config, story, engine.facts.sampling, 7)
    run = RunFolder.create(tmp_path, plan, datetime(2026, 1, 1))
    drawing = new_drawing(plan, run, engine)
    Loop(drawing, engine, lambda _: None, Control()).run()
    drawing.journal.close()
    keys = [(frame.chapter, frame.prompt, frame.style) for frame in plan.frames]
    pictures = {key: Image.open(run.picture(frame)) for key, frame in zip(keys, plan.frames, strict=True)}
    run.close()
    return pictures, {key: plan.frame_seed(frame) for key, frame in zip(keys, plan.frames, strict=True)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: tiny.tiny_sd(tmp_path_factory.mktemp(name), name, **tiny.ATTENTIVE) for name in ("DDIM", "PNDM")}


MODES = {
    "independent": {"progressive": False, "interleave": False},
    "progressive": {"interleave": False},
    "interleave": {"interleave": True},
    "cycle_styles": {"interleave": False, "cycle_styles": True},
    "interleave and cycle_styles": {"interleave": True, "cycle_styles": True},
}


SAMPLERS = (("DDIM", 0.0), ("DDIM", 0.1), ("PNDM", 0.1))
CASES = [
    *((*sampler, mode) for sampler, mode in product(SAMPLERS, ("independent", "interleave"))),
    *(("DDIM", 0.1, mode) for mode in ("progressive", "cycle_styles")),
    ("PNDM", 0.1, "interleave and cycle_styles"),
]


@pytest.mark.parametrize(("scheduler", "eta", "mode"), CASES)
def test_pictures_are_those_of_the_original_loop(folders, tmp_path, scheduler, eta, mode):
    options = MODES[mode]
    ours, seeds = drawn(folders[scheduler], tmp_path, eta, **options)
    cycle = options.get("cycle_styles", False)
    rest = {key: value for key, value in options.items() if key != "cycle_styles"}
    theirs = transcription(folders[scheduler], eta, seeds, cycle=cycle, **rest)
    assert ours.keys() == theirs.keys()
    assert len({picture.tobytes() for picture in theirs.values()}) == len(theirs)
    assert [key for key in ours if not np.array_equal(np.asarray(ours[key]), np.asarray(theirs[key]))] == []
