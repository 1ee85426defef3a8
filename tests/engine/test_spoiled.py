"""What goes wrong with one frame, or with all in one call, is told of each."""

import re

import pytest
from PIL import Image

from tests.engine.breaking import blacken, break_decoder, break_denoiser
from tests.engine.drawing import (
    Drawing,
    batched,
    configured,
    planned,
    sd,
)


def fail(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.vae.decoder.register_forward_pre_hook(refuse)


def fail_together(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.unet.register_forward_pre_hook(refuse)


SPOILERS = {
    "NaN latents": (break_denoiser, "NaN or infinite.*in the latents"),
    "infinite pixels": (break_decoder, "NaN or infinite.*in the decoded picture"),
    "black": (blacken, "all black"),
    "own error": (fail, "ValueError: shapes don't match in detail$"),
    "shared error": (fail_together, "ValueError: shapes don't match in detail$"),
}


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("name", SPOILERS)
def test_an_unusable_picture_is_a_spoiled_frame(name, deterministic):
    spoil, reason = SPOILERS[name]
    pipelines, config = sd(), configured(prompts=1)
    spoil(pipelines.text)
    drawing = Drawing(planned(pipelines, config), batched(pipelines, config, 3, deterministic=deterministic))
    assert drawing.pictures == {}
    assert len(drawing.spoiled) == 3
    assert all(re.search(reason, said) for said in drawing.spoiled.values()), drawing.spoiled


@pytest.mark.parametrize("deterministic", [True, False])
def test_one_spoiled_frame_leaves_the_others_as_they_are(deterministic):
    """A base of another size can't begin; a picture whose decoding fails can't end."""
    pipelines, config = sd(), configured(prompts=2, deterministic=deterministic)
    plan = planned(pipelines, config)
    whole = Drawing(plan, batched(pipelines, config, 3))
    bases = {frame: whole.pictures[frame] for frame in range(3)}
    odd = Drawing(plan, batched(pipelines, config, 3), given={**bases, 1: Image.new("RGB", (64, 32))})
    assert set(odd.spoiled) == {3}
    assert "another size" in odd.spoiled[3]
    if deterministic:
        assert {frame: odd.bytes[frame] for frame in (4, 5)} == {frame: whole.bytes[frame] for frame in (4, 5)}
