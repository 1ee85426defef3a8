"""A picture as PNG bytes that say how it was drawn. Must not import torch.

Two text chunks: `parameters`, in the form that AUTOMATIC1111's web UI writes and other tools read
(`modules/processing.py:create_infotext` there), and `sframes`, JSON with all that draws the picture again. A
picture's bytes depend on what was drawn alone: no time, no folder, no name of the run.
"""

import hashlib
import io
import json
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sframes_tui import __version__
from sframes_tui.engine.protocol import Facts
from sframes_tui.story.plan import Frame, Plan

FORMAT_VERSION = 1
COMPRESS_LEVEL = 4
"""Smaller and faster than Pillow's default of 6 on diffusion pictures."""


def pixel_hash(picture: Image.Image) -> str:
    """SHA-256 of an RGB picture's size and pixels: the same however the file was compressed."""
    return hashlib.sha256(b"%dx%d:" % picture.size + picture.tobytes()).hexdigest()


def encode(picture: Image.Image, info: PngInfo | None = None) -> bytes:
    """An RGB picture as PNG bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info, compress_level=COMPRESS_LEVEL)
    return buffer.getvalue()


def picture_info(recipe: dict[str, Any]) -> PngInfo:
    """The two text chunks of a frame's picture."""
    info = PngInfo()
    info.add_text("parameters", parameters(recipe))
    info.add_text("sframes", json.dumps(recipe, ensure_ascii=False))
    return info


def recipe(
    plan: Plan, frame: Frame, sent: str, facts: Facts, base_pixels: str | None, attempt: int = 0
) -> dict[str, Any]:
    """Everything needed to draw a frame again, as JSON data.

    `sent` is the prompt as the model read it; `base_pixels` the `pixel_hash` of the picture it starts from;
    `attempt` counts from 0 where the seed before gave a spoiled picture.
    """
    options = plan.config.generation_config
    return {
        "format": FORMAT_VERSION,
        "program": f"S-Frames {__version__}",
        "story": plan.story.key,
        "chapter": frame.chapter,
        "prompt_index": frame.prompt,
        "style_index": frame.style,
        "variant": frame.variant,
        "prompt": plan.prompt(frame),
        "style": plan.style_text(frame),
        "file_tag": plan.tags[frame.style],
        "sent": sent,
        "negative_prompt": options.negative_prompt,
        "seed": plan.frame_seed(frame, attempt),
        "run_seed": plan.seed,
        "model": facts.model,
        "revision": options.revision,
        "weights_variant": options.variant,
        "pipeline": facts.pipeline,
        "scheduler": facts.sampling.scheduler,
        "num_inference_steps": options.num_inference_steps,
        "real_steps": frame.steps,
        "strength": frame.strength,
        "guidance_scale": options.guidance_scale,
        "guidance_rescale": options.guidance_rescale,
        "eta": options.eta,
        "width": facts.width,
        "height": facts.height,
        "dtype": facts.dtype,
        "engine": facts.engine,
        "base": None if frame.base is None else _base(plan, plan.frames[frame.base], base_pixels),
    }


def _base(plan: Plan, base: Frame, pixels: str | None) -> dict[str, Any]:
    return {"file": f"{plan.name(base)}.png", "pixels_sha256": pixels}


def parameters(recipe: dict[str, Any]) -> str:
    """The `parameters` text: prompt, negative prompt, and one line of `Key: value` pairs."""
    pairs = {
        "Steps": recipe["num_inference_steps"],
        "Sampler": recipe["scheduler"],
        "CFG scale": recipe["guidance_scale"],
        "Seed": recipe["seed"],
        "Size": f"{recipe['width']}x{recipe['height']}",
        "Model": recipe["model"],
        "Denoising strength": recipe["strength"],
        "Version": recipe["program"],
    }
    last = ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None)
    negative = [f"Negative prompt: {_flat(recipe['negative_prompt'])}"] if recipe["negative_prompt"] else []
    return "\n".join([_flat(recipe["sent"]), *negative, last])


def _quoted(value: object) -> str:
    """Readers split at commas, colons and newlines outside of quotes."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text


def _flat(text: str) -> str:
    """A text in one line. Readers take the format's own words for the begin of its second line, wherever they stand:
    their colon is moved.
    """
    return " ".join(text.split("\n")).replace("Negative prompt:", "Negative prompt :")
