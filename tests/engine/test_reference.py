"""The reference engine: progress, cancelling, spoiled frames, and frames that depend on their job alone."""

import re
import threading
from dataclasses import replace

import pytest
import torch
from PIL import Image

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Drawn, Spoiled
from sframes_tui.model.schedulers import SCHEDULERS
from tests.engine import tiny
from tests.engine.breaking import blacken, break_decoder, break_denoiser
from tests.engine.drawing import configured, job_of, reference, sd, steps_of

STEPS = 5


def engine_of(folder, **values):
    return load_engine(GenerationConfig(model=str(folder), num_inference_steps=STEPS, engine="reference", **values))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.tiny_sd(tmp_path_factory.mktemp("sd"), "DDIM")


@pytest.fixture
def engine(folder):
    return engine_of(folder, eta=1.0)


def grey(size=32):
    return Image.new("RGB", (size, size), (90, 120, 60))


def job(seed=1, strength=None, base=None):
    return job_of(seed=seed, base=base, strength=strength)


def advance(engine, work, report=lambda _: None, cancelled=None):
    engine.admit(work)
    return engine.advance(report, cancelled or threading.Event())


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if not name.startswith("FlowMatch")])
def test_every_scheduler_runs_the_steps_it_promises(folder, name):
    engine = engine_of(folder, scheduler=name)
    for strength in (None, 1.0, 0.5, 0.1):
        steps = []
        work = job(strength=strength, base=strength and grey())
        (outcome,) = advance(engine, work, steps.append)
        assert isinstance(outcome, Drawn), outcome
        assert len(steps) == engine.real_steps(work.start) == steps_of(engine.facts.sampling, STEPS, strength)


def test_a_frame_depends_on_its_job_alone(engine, folder):
    (first,) = advance(engine, job(5, 0.5, grey()))
    advance(engine, job(6))
    advance(engine, job(7, 0.9, grey()))
    (again,) = advance(engine, job(5, 0.5, grey()))
    (elsewhere,) = advance(engine_of(folder, eta=1.0), job(5, 0.5, grey()))
    assert first.picture.tobytes() == again.picture.tobytes() == elsewhere.picture.tobytes()


def test_cancelling_stops_at_the_next_step_and_leaves_the_engine_usable(engine):
    cancelled, steps = threading.Event(), []

    def report(progress):
        steps.append(progress.step)
        if progress.step == 2:
            cancelled.set()

    assert advance(engine, job(), report, cancelled) == []
    assert steps == [1, 2]
    assert engine.advance(report, threading.Event()) == []
    assert isinstance(advance(engine, job())[0], Drawn)


def test_nothing_is_drawn_once_cancelled(engine):
    cancelled, steps = threading.Event(), []
    cancelled.set()
    assert advance(engine, job(), steps.append, cancelled) == []
    assert steps == []


def test_a_model_without_img2img_draws_from_noise_what_is_to_go_on_from_a_picture():
    engine = reference(replace(sd(), image=None), configured())
    pictures, steps = [], []
    for work in (job(5), job(5, 0.5, grey()), job(5, 0.0, grey())):
        (outcome,) = advance(engine, work, steps.append)
        pictures.append(outcome.picture.tobytes())
    assert pictures == pictures[:1] * 3
    assert [each.step for each in steps] == [1, 2, 3, 4, 5, 6] * 3


def test_no_steps_carry_the_base_over(engine):
    assert advance(engine, job(strength=0.1, base=grey())) == [Drawn(0, grey())]


def _run_out_of_memory(pipe):
    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 64.00 GiB.\nmore lines")

    pipe.unet.register_forward_pre_hook(refuse)


def _fail(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.vae.decoder.register_forward_pre_hook(refuse)


SPOILERS = {
    "NaN latents": (break_denoiser, "NaN or infinite.*in the latents"),
    "infinite pixels": (break_decoder, "NaN or infinite.*in the decoded picture"),
    "black": (blacken, "all black"),
    "memory": (_run_out_of_memory, "out of memory"),
    "error": (_fail, "ValueError: shapes don't match in detail$"),
}


@pytest.mark.parametrize("name", SPOILERS)
@pytest.mark.parametrize("base", [None, grey()], ids=["noise", "base"])
def test_an_unusable_picture_is_a_spoiled_frame(engine, name, base):
    spoil, reason = SPOILERS[name]
    spoil(engine._pipelines.text)
    *_, outcome = advance(engine, job(strength=base and 0.9, base=base))
    assert isinstance(outcome, Spoiled)
    assert re.search(reason, outcome.reason), outcome.reason
    assert "\n" not in outcome.reason


def test_a_spoiled_frame_leaves_the_next_ones_good(engine):
    hook = engine._pipelines.text.unet.register_forward_pre_hook(_raise_once)
    assert isinstance(advance(engine, job())[-1], Spoiled)
    hook.remove()
    assert isinstance(advance(engine, job())[0], Drawn)


def _raise_once(*_):
    raise torch.OutOfMemoryError("CUDA out of memory.")
