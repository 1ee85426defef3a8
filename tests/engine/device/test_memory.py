"""When memory runs out the run goes on with less, and says so."""

import itertools

import pytest
import torch

from tests.engine.drawing import (
    SIZE,
    Drawing,
    batched,
    configured,
    planned,
    reference,
    sd,
)


def refuse_more_than(rows, pipelines):
    """The UNet runs out of memory with more rows than that, their unconditional twins not counted."""

    def refuse(_module, args):
        if len(args[0]) > 2 * rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 64.00 GiB.")

    return pipelines.text.unet.register_forward_pre_hook(refuse)


@pytest.mark.parametrize(("asked", "fits"), [(3, 1), (4, 2), (8, 2)])
def test_out_of_memory_is_answered_step_by_step(asked, fits):
    pipelines, config = sd(), configured((0.7, 0.4, 0.9, 0.5), 2, eta=1.0)
    plan = planned(pipelines, config)
    expected = Drawing(plan, batched(pipelines, config, fits)).bytes
    hook = refuse_more_than(fits, pipelines)
    drawing = Drawing(plan, batched(pipelines, config, asked))
    hook.remove()
    freed, *fewer = drawing.remarks
    assert "freed what was unused; the pictures stay the same" in freed
    sizes = [asked]
    while sizes[-1] > fits:
        sizes.append(sizes[-1] // 2)
    assert [said.split(" frames at once")[0] for said in fewer] == [
        f"out of memory: {after} instead of {before}" for before, after in itertools.pairwise(sizes)
    ]
    assert drawing.bytes == expected
    assert drawing.spoiled == {}
    assert drawing.engine.capacity == fits


def test_running_out_of_memory_once_changes_nothing():
    pipelines, config = sd(), configured((0.7, 0.4), 2, eta=1.0)
    plan = planned(pipelines, config)
    expected = Drawing(plan, batched(pipelines, config, 2)).bytes
    failures = [torch.OutOfMemoryError("CUDA out of memory.")]

    def fail_once(*_):
        if failures:
            raise failures.pop()

    hook = pipelines.text.unet.register_forward_pre_hook(fail_once)
    drawing = Drawing(plan, batched(pipelines, config, 2))
    hook.remove()
    assert len(drawing.remarks) == 1
    assert drawing.bytes == expected
    assert drawing.engine.capacity == 2


def test_tiles_come_after_fewer_rows_and_then_frames_are_given_up():
    pipelines, config = sd(), configured((0.7, 0.4), 2)
    pipelines.text.vae.tile_sample_min_size = SIZE // 2
    hook = refuse_more_than(0, pipelines)
    drawing = Drawing(planned(pipelines, config), batched(pipelines, config, 2))
    hook.remove()
    freed, fewer, tiles = drawing.remarks
    assert "freed" in freed
    assert "1 instead of 2" in fewer
    assert "tile by tile" in tiles
    assert pipelines.text.vae.use_tiling
    assert drawing.engine.facts.changed == {"vae_tiling": True}
    assert drawing.pictures == {}
    assert {frame: "out of memory" in reason for frame, reason in drawing.spoiled.items()} == {0: True, 1: True}


def test_pictures_that_are_one_tile_are_not_drawn_again_for_tiles():
    pipelines, config = sd(), configured((0.7,), 1)
    hook = refuse_more_than(0, pipelines)
    drawing = Drawing(planned(pipelines, config), batched(pipelines, config))
    hook.remove()
    (freed,) = drawing.remarks
    assert "freed" in freed
    assert not pipelines.text.vae.use_tiling


@pytest.mark.parametrize("engine", [batched, reference])
def test_the_frame_that_nothing_helps_is_given_up_and_the_next_one_is_drawn(engine):
    pipelines, config = sd(), configured((0.7, 0.4), 1)
    failures = [torch.OutOfMemoryError("CUDA out of memory.")] * 2

    def fail(*_):
        if failures:
            raise failures.pop()

    pipelines.text.unet.register_forward_pre_hook(fail)
    drawing = Drawing(planned(pipelines, config), engine(pipelines, config))
    assert list(drawing.spoiled) == [0]
    assert "out of memory" in drawing.spoiled[0]
    assert list(drawing.pictures) == [1]
