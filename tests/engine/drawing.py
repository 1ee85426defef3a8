"""Engines made of given pipelines, and plans drawn with them by the program's own schedule, without a disk."""

import threading

import diffusers
import numpy as np
import torch

from sframes_tui.config.config import Config, GenerationConfig, PromptConfig, StyleConfig
from sframes_tui.engine.batched import BatchedEngine
from sframes_tui.engine.loading.families import quiet
from sframes_tui.engine.loading.loading import paired
from sframes_tui.engine.pipelines import sampling_of
from sframes_tui.engine.protocol import Drawn, Facts, FromNoise, FromPicture, Job, Look, Remark
from sframes_tui.engine.reference import ReferenceEngine
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.bases import start_of
from sframes_tui.run.schedule import Schedule
from sframes_tui.text.split import Chapter, Story
from tests.engine import tiny

PROMPTS = ("the red boat", "a dark storm over the sea", "the keeper sleeps", "snow on the town", "dawn light")
WEIGHTS = (0.7, 0.4, 0.9)
SIZE = 32

quiet()


def configured(weights=WEIGHTS, prompts=3, **options):
    """A configuration of one style for each weight, over so many prompts."""
    generation = {"num_inference_steps": 6, "width": SIZE, "height": SIZE, "seed": 7, **options}
    tags = "abcdef"[: len(weights)]
    styles = [
        StyleConfig(style=f"{tag} wind", file_tag=tag, weight=each) for tag, each in zip(tags, weights, strict=True)
    ]
    source = PromptConfig(source=str(prompts))
    return Config(prompt_config=source, generation_config=GenerationConfig(**generation), style_configs=styles)


def sd(scheduler="DDIM", **settings):
    """A tiny Stable Diffusion with a scheduler of that name."""
    pipe = tiny.sd_pipeline("DDIM")
    pipe.scheduler = getattr(diffusers, f"{scheduler}Scheduler").from_config(pipe.scheduler.config, **settings)
    return paired(pipe)


def facts_of(pipelines, size=SIZE):
    sampling = sampling_of(pipelines)
    dtype = str(pipelines.text.unet.dtype).removeprefix("torch.")
    return Facts("tiny", pipelines.name, sampling, size, size, "cpu", dtype, "cpu", "engine")


def planned(pipelines, config):
    count = int(config.prompt_config.source)
    texts = tuple(f"{PROMPTS[index % len(PROMPTS)]} {index}" for index in range(count))
    story = Story("story", (Chapter("chapter", texts),))
    return make_plan(config, story, sampling_of(pipelines), 7)


def job_of(number=0, prompt="the red boat", seed=11, base=None, strength=None):
    """A frame to draw; without a base from noise."""
    return Job(number, seed, Look(prompt), FromNoise() if base is None else FromPicture(base, strength))


def steps_of(sampling, steps, strength=None):
    """What a plan counts; without a strength from noise."""
    return sampling.steps_from_noise(steps) if strength is None else sampling.steps_from_picture(steps, strength)


def reference(pipelines, config):
    return ReferenceEngine(pipelines, facts_of(pipelines), config.generation_config)


def batched(pipelines, config, rows=1, **options):
    generation = config.generation_config.model_copy(update=options)
    engine = BatchedEngine(pipelines, facts_of(pipelines), generation)
    engine.use_rows(rows)
    return engine


class Drawing:
    """A plan, or the frames of it that `wanted` names, drawn; `given` are pictures that are there already."""

    def __init__(self, plan, engine, wanted=lambda _: True, given=None, report=lambda _: None):
        self.plan, self.engine = plan, engine
        self.pictures, self.remarks, self.spoiled, self.outcomes = dict(given or {}), [], {}, []
        self.schedule = Schedule(plan, engine.capacity, engine.capacity if engine.pinned else 1)
        never = threading.Event()
        in_flight = 0
        while True:
            while frame := self.schedule.take(engine.has_room):
                if frame.number in self.pictures or not wanted(frame):
                    self.schedule.drawn(frame)
                    continue
                in_flight += 1
                engine.admit(self.job(frame))
            if not in_flight:
                return
            for outcome in engine.advance(report, never):
                self.outcomes.append(outcome)
                in_flight -= not isinstance(outcome, Remark)
                self._settle(outcome)

    def job(self, frame):
        base = None if frame.base is None else self.pictures[frame.base]
        prompt = f"{self.plan.prompt(frame)} {self.plan.style_text(frame)}"
        chain = self.plan.chains[frame.number]
        return Job(frame.number, self.plan.frame_seed(frame), Look(prompt), start_of(frame, base), chain)

    def _settle(self, outcome):
        if isinstance(outcome, Remark):
            self.remarks.append(outcome.text)
        elif isinstance(outcome, Drawn):
            self.pictures[outcome.frame] = outcome.picture
            self.schedule.drawn(self.plan.frames[outcome.frame])
        else:
            self.spoiled[outcome.frame] = outcome.reason
            self.schedule.failed(self.plan.frames[outcome.frame])

    @property
    def bytes(self):
        return {frame: picture.tobytes() for frame, picture in self.pictures.items()}


def largest_difference(first, second):
    assert first.pictures.keys() == second.pictures.keys()
    assert first.pictures
    return max(
        int(np.abs(np.asarray(first.pictures[key], np.int16) - np.asarray(second.pictures[key], np.int16)).max())
        for key in first.pictures
    )


class UNetCalls:
    """Counts a UNet's calls and its rows in them; a context manager."""

    def __init__(self, unet):
        self._unet, self.batches = unet, []

    def __enter__(self):
        self._hook = self._unet.register_forward_pre_hook(lambda _module, args: self.batches.append(len(args[0])))
        return self

    def __exit__(self, *_):
        self._hook.remove()


def in_double(pipelines):
    """The same pipelines in 64 bits: what differs there is the algorithm, not rounding."""
    pipelines.text.to(torch.float64)
    # Stable Diffusion XL's pipelines would encode in 32 bits, and draw other noise for it.
    pipelines.text.vae.register_to_config(force_upcast=False)
    return pipelines
