"""A picture as PNG bytes that say how it was drawn.

Two text chunks: `parameters`, in the form that AUTOMATIC1111's web UI writes and other tools read
(`modules/processing.py:create_infotext` there), and `sframes`, the recipe
(`recipe.py`). A picture's bytes depend on what was drawn alone: no time, no folder, no name of the run.
"""

import hashlib
import io
import json

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sframes_tui.run.record.recipe import Recipe

KEYWORD = "sframes"
"""Of the text chunk with the recipe."""
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


def picture_info(recipe: Recipe) -> PngInfo:
    """The two text chunks of a frame's picture."""
    info = PngInfo()
    info.add_text("parameters", parameters(recipe))
    info.add_text(KEYWORD, json.dumps(recipe.as_json, ensure_ascii=False))
    return info


def parameters(recipe: Recipe) -> str:
    """The `parameters` text: prompt, negative prompt, and one line of `Key: value` pairs."""
    options = recipe.options
    pairs = {
        "Steps": options.num_inference_steps,
        "Sampler": recipe.scheduler,
        "CFG scale": options.guidance_scale,
        "Seed": recipe.seed,
        "Size": f"{recipe.width}x{recipe.height}",
        "Model": options.model,
        "Denoising strength": recipe.strength,
        "Version": recipe.program,
    }
    last = ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None)
    negative = [f"Negative prompt: {_flat(options.negative_prompt)}"] if options.negative_prompt else []
    return "\n".join([_flat(recipe.sent), *negative, last])


def _quoted(value: object) -> str:
    """Readers split at commas, colons and newlines outside of quotes."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text


def _flat(text: str) -> str:
    """A text in one line. Readers take the format's own words for the begin of its second line, wherever they stand:
    their colon is moved.
    """
    return " ".join(text.split("\n")).replace("Negative prompt:", "Negative prompt :")
