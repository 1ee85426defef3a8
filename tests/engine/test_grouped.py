"""Frames that share a schedule, drawn in one call of a flow model's pipeline: the same pictures as one by one."""

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.grouped import GroupedEngine
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Drawn, FromNoise, FromPicture, Job, Look, Remark, Spoiled
from tests.engine import tiny

NEVER = threading.Event()


def engine_of(folder, rows=1, **values):
    engine = load_engine(GenerationConfig(model=str(folder), num_inference_steps=4, width=32, height=32, **values))
    engine.use_rows(rows)
    return engine


@pytest.fixture(scope="module", params=[tiny.tiny_sd3, tiny.tiny_flux], ids=["sd3", "flux"])
def folder(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("flow"))


def base(number, size):
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def jobs_of(engine, count=3, strength=None):
    size = (engine.facts.width, engine.facts.height)
    starts = [FromNoise() if strength is None else FromPicture(base(n, size), strength) for n in range(count)]
    words = ("the red boat", "snow on the town", "a cat by the lamp")
    return [Job(n, 100 + n, Look(words[n % 3]), starts[n], n) for n in range(count)]


def drawn(engine, jobs, report=lambda _: None):
    for job in jobs:
        engine.admit(job)
    pictures = {}
    while len(pictures) < len(jobs):
        for outcome in engine.advance(report, NEVER):
            assert isinstance(outcome, Drawn), outcome
            pictures[outcome.frame] = np.asarray(outcome.picture).astype(int)
    return pictures


def calls_of(engine):
    """With how many rows the transformer is called, call by call."""
    counts = []

    def count(_module, _args, values):
        counts.append(len(values["hidden_states"]))

    engine.pipelines.text.transformer.register_forward_pre_hook(count, with_kwargs=True)
    return counts


@pytest.mark.parametrize("strength", [None, 0.5])
@pytest.mark.parametrize("deterministic", [True, False])
def test_several_rows_draw_the_pictures_of_one(folder, strength, deterministic):
    one, many = engine_of(folder), engine_of(folder, 3, deterministic=deterministic)
    assert isinstance(many, GroupedEngine)
    alone, together = drawn_one_by_one(one, strength), drawn(many, jobs_of(many, strength=strength))
    assert max(abs(alone[number] - together[number]).max() for number in alone) <= 1


def drawn_one_by_one(engine, strength):
    return {k: v for job in jobs_of(engine, strength=strength) for k, v in drawn(engine, [job]).items()}


def test_a_call_holds_all_frames_that_begin_alike_and_no_others(folder):
    engine = engine_of(folder, 4, deterministic=False)
    counts = calls_of(engine)
    jobs = [*jobs_of(engine, 2), *jobs_of(engine, 3, strength=0.5)[2:]]
    steps = []
    drawn(engine, jobs, steps.append)
    guided = 2 if engine.facts.pipeline == "StableDiffusion3Pipeline" else 1
    assert counts == [2 * guided] * 4 + [guided] * 2
    assert sorted((each.frame, each.step, each.steps) for each in steps) == [
        *((frame, step, 4) for frame in (0, 1) for step in (1, 2, 3, 4)),
        *((2, step, 2) for step in (1, 2)),
    ]


def test_a_pinned_picture_does_not_depend_on_its_neighbours(folder):
    engine = engine_of(folder, 3)
    together = drawn(engine, jobs_of(engine))
    alone = drawn(engine, jobs_of(engine)[1:2])
    assert (together[1] == alone[1]).all()


def test_two_frames_of_one_slot_do_not_fit_in_together(folder):
    engine = engine_of(folder, 2)
    first, second = jobs_of(engine, 2)
    engine.admit(first)
    assert [engine.has_room(slot) for slot in (0, 1)] == [False, True]
    engine.admit(second)
    assert not engine.has_room(1)


def test_memory_that_runs_out_halves_the_rows_and_loses_nothing(folder):
    engine = engine_of(folder, 4, deterministic=False)
    transformer = engine.pipelines.text.transformer
    forward, guided = transformer.forward, 2 if engine.facts.pipeline == "StableDiffusion3Pipeline" else 1

    def limited(*args, **values):
        if len(values["hidden_states"]) > 2 * guided:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **values)

    transformer.forward = limited
    pictures, remarks = drawn_in_whatever_way(engine, jobs_of(engine))
    assert sorted(pictures) == [0, 1, 2]
    assert "freed what was unused" in remarks[0]
    assert "2 instead of 4 frames at once" in remarks[1]
    assert engine.capacity == 2


def drawn_in_whatever_way(engine, jobs):
    """(pictures, remarks) of jobs that are given whenever there is room for their slot, as the loop does it."""
    waiting, pictures, remarks, slots = list(jobs), {}, [], engine.capacity
    while len(pictures) < len(jobs):
        for job in [job for job in waiting if engine.has_room(job.chain % slots)]:
            if engine.has_room(job.chain % slots):
                waiting.remove(job)
                engine.admit(job)
        for outcome in engine.advance(lambda _: None, NEVER):
            if isinstance(outcome, Remark):
                remarks.append(outcome.text)
            else:
                pictures[outcome.frame] = outcome.picture.tobytes()
    return pictures, remarks


def test_pinned_frames_that_share_a_row_once_rows_are_fewer_take_turns(folder):
    """With four slots, frames of the chains 1 and 3 have a row each; with two rows left they have the same one."""
    engine, fewer = engine_of(folder, 4), engine_of(folder, 2)
    transformer = engine.pipelines.text.transformer
    forward, guided = transformer.forward, 2 if engine.facts.pipeline == "StableDiffusion3Pipeline" else 1

    def limited(*args, **values):
        if len(values["hidden_states"]) > 2 * guided:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **values)

    transformer.forward = limited
    jobs = jobs_of(engine, 4)
    pictures, remarks = drawn_in_whatever_way(engine, jobs)
    assert engine.capacity == 2
    assert len(remarks) == 2
    assert pictures == drawn_in_whatever_way(fewer, jobs)[0]


def test_what_is_left_when_a_run_is_cancelled_is_let_go(folder):
    engine, cancelled = engine_of(folder, 2, deterministic=False), threading.Event()
    first, second = jobs_of(engine, 1)[0], jobs_of(engine, 2, strength=0.5)[1]
    engine.admit(first)
    engine.admit(second)
    engine.advance(partial(stop_after, 1, [], cancelled), cancelled)
    assert engine.advance(lambda _: None, cancelled) == []
    assert engine.has_room(0)
    cancelled.clear()
    assert engine.advance(lambda _: None, cancelled) == []


def test_one_bad_frame_does_not_take_its_neighbours_along(folder):
    engine = engine_of(folder, 3)
    good, bad, other = jobs_of(engine, strength=0.5)
    bad = replace(bad, start=FromPicture("no picture", bad.start.strength))
    for job in (good, bad, other):
        engine.admit(job)
    outcomes = {each.frame: type(each) for each in engine.advance(lambda _: None, NEVER)}
    assert outcomes == {0: Drawn, 1: Spoiled, 2: Drawn}


def test_cancelling_ends_a_shared_call_within_a_step(folder):
    engine = engine_of(folder, 3)
    cancelled, steps = threading.Event(), []
    for job in jobs_of(engine):
        engine.admit(job)
    outcomes = engine.advance(partial(stop_after, 2, steps, cancelled), cancelled)
    assert outcomes == []
    assert {each.step for each in steps} == {1, 2}


def stop_after(step, steps, cancelled, progress):
    steps.append(progress)
    if progress.step == step:
        cancelled.set()


def test_a_step_can_be_timed(folder):
    engine = engine_of(folder)
    assert 0 < engine.call_seconds(2) < 60
