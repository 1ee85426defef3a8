"""Every engine on an emulated CUDA: the CPU's pictures in float32, no device mixed, no host that waits in a step.

To add a case, add a line to `CASES`.
"""

from dataclasses import dataclass, field

import pytest
import torch

from tests.emulated_cuda import EmulatedCuda, Gpu
from tests.engine import tiny
from tests.engine.breaking import break_denoiser, overflow_in_half
from tests.engine.drawing import Drawing
from tests.engine.emulated import Viewer, draw, loaded

MODELS = {
    "sd": tiny.tiny_sd,
    "sdxl": tiny.tiny_sdxl,
    "lcm": tiny.tiny_lcm,
    "sd3": tiny.tiny_sd3,
    "flux": tiny.tiny_flux,
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of the tiny models, made when they are first asked for."""
    made = {}

    def folder(name):
        if name not in made:
            made[name] = MODELS[name](tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@dataclass(frozen=True)
class Case:
    """What is drawn, and with what; the rest is as `emulated.loaded` has it."""

    model: str
    dtype: str = "float16"
    rows: int = 1
    options: dict = field(default_factory=dict)
    gpus: tuple = (Gpu(), Gpu())


REFERENCE = {"engine": "reference"}

CASES = {
    "one row": Case("sd", "float32", options={"scheduler": "DDIM"}),
    "rows": Case("sd", "float32", 2, {"scheduler": "DDIM", "eta": 0.5}),
    "rows in half precision": Case("sd", "float16", 2, {"scheduler": "DDIM", "eta": 0.5}),
    "rows that are not pinned": Case("sd", "bfloat16", 2, {"deterministic": False, "scheduler": "EulerDiscrete"}),
    "reference": Case("sd", "float32", options={**REFERENCE, "scheduler": "DDIM"}),
    "reference in half precision": Case("sd", "float16", options=REFERENCE),
    "PNDM": Case("sd", "float32", 2, {"scheduler": "PNDM"}),
    "Euler ancestral": Case("sd", "float16", 2, {"scheduler": "EulerAncestralDiscrete"}),
    "DPM++ 2M": Case("sd", "bfloat16", 2, {"scheduler": "DPMSolverMultistep"}),
    "UniPC": Case("sd", "float16", 2, {"scheduler": "UniPCMultistep"}),
    "LCM": Case("sd", "float16", options={"scheduler": "LCM"}),
    "a distilled model": Case("lcm", "bfloat16", options=REFERENCE),
    "guided in a part": Case("sd", "float16", 2, {"guidance_start": 0.4, "guidance_rescale": 0.5}),
    "SDXL": Case("sdxl", "float32", 2, {"negative_prompt": "fog"}),
    "SDXL in half precision": Case("sdxl", "bfloat16", 2),
    "SD 3": Case("sd3", "float32", 2),
    "SD 3 in half precision": Case("sd3", "float16", 2),
    "Flux": Case("flux", "float32", 2, {"deterministic": False}),
    "the second GPU": Case("sd", "float16", 2, {"device": "cuda:1"}),
    "the second GPU, grouped": Case("flux", "bfloat16", 2, {"device": "cuda:1"}),
    "the second GPU, reference": Case("sd", "bfloat16", options={**REFERENCE, "device": "cuda:1"}),
    "parts that wait": Case("sd", "float32", 2, {"offload": "model", "scheduler": "DDIM"}),
    "SDXL's parts that wait": Case("sdxl", "float16", 2, {"offload": "model"}),
    "parts that wait, grouped": Case("sd3", "float16", 2, {"offload": "model"}),
    "parts that wait, reference": Case("sd", "float16", options={**REFERENCE, "offload": "model", "device": "cuda:1"}),
    "weights that wait": Case("sd", "float32", 2, {"offload": "sequential", "device": "cuda:1"}),
    "weights that wait, reference": Case("sd", "float16", options={**REFERENCE, "offload": "sequential"}),
}


@pytest.mark.parametrize("name", CASES)
def test_everything_draws_and_float32_draws_what_the_cpu_does(models, name):
    case, viewer = CASES[name], Viewer()
    options = {**case.options, "dtype": case.dtype, "rows": case.rows}
    with EmulatedCuda(case.gpus) as cuda:
        drawing = draw(models(case.model), viewer, **options)
        left = sum(cuda.ledger.bytes_on(torch.device("cuda", index)) for index in range(len(case.gpus)))
    assert drawing.spoiled == {}
    assert len(drawing.pictures) == 4
    assert viewer.errors == []
    number = int(case.options.get("device", "cuda:0")[-1])
    assert cuda.contexts == {number}
    assert {device.index for device in cuda.recorded} == {number}
    assert left < 100_000
    if case.dtype == "float32":
        assert drawing.bytes == draw(models(case.model), **{**options, "device": "cpu"}).bytes


TABLED = ("DDIM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "PNDM", "UniPCMultistep")


class Steps:
    """How many waits there were when a step was told of, and what they were."""

    def __init__(self, cuda):
        self._cuda, self._marks = cuda, []

    def __call__(self, progress):
        if progress.step in (2, 3):
            self._marks.append(len(self._cuda.waits))

    @property
    def between(self):
        """Those of the third step."""
        return [wait.kind for wait in self._cuda.waits[self._marks[0] : self._marks[-1]]]


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("scheduler", TABLED)
def test_the_host_waits_for_nothing_in_a_step_but_the_step_before(models, scheduler, rows):
    options = {"prompts": 1, "scheduler": scheduler, "eta": 0.5, "num_inference_steps": 4, "dtype": "float16"}
    with EmulatedCuda() as cuda:
        steps = Steps(cuda)
        draw(models("sd"), steps, rows=rows, weights=(0.7, 0.4)[:rows], **options)
    assert steps.between == ["event"]


def test_a_picture_is_waited_for_once(models):
    with EmulatedCuda() as cuda:
        engine, plan = loaded(models("sd"), dtype="float32", prompts=1, weights=(0.7,), scheduler="DDIM")
        marks = []
        Drawing(plan, engine, report=lambda _: marks.append(len(cuda.waits)))
        after_the_last_step = [wait.kind for wait in cuda.waits[marks[-1] :]]
    assert after_the_last_step == ["copy to the host"]


@pytest.mark.parametrize("model", ["sd3", "flux"])
def test_a_pipelines_own_loop_keeps_pace_too(models, model):
    with EmulatedCuda() as cuda:
        steps = Steps(cuda)
        draw(models(model), steps, rows=2, prompts=1, num_inference_steps=4, dtype="float16")
    assert steps.between == ["event"]


@pytest.mark.parametrize(("model", "rows"), [("sd", 2), ("flux", 2), ("sd3", 1)])
def test_a_call_is_timed_until_the_device_is_done(models, model, rows):
    with EmulatedCuda() as cuda:
        engine, _ = loaded(models(model), dtype="float16")
        before = len(cuda.waits)
        assert engine.call_seconds(rows) > 0
    assert [wait.kind for wait in cuda.waits[before:]].count("synchronize") >= 2


@pytest.mark.parametrize("options", [{"rows": 2}, REFERENCE], ids=["batched", "reference"])
def test_nan_spoils_a_frame_and_nothing_else(models, options):
    with EmulatedCuda():
        engine, plan = loaded(models("sd"), dtype="float16", **options)
        break_denoiser(engine.pipelines.text)
        drawing = Drawing(plan, engine)
    assert drawing.pictures == {}
    assert all("NaN or infinite" in reason for reason in drawing.spoiled.values())


@pytest.mark.parametrize("offload", ["none", "model", "sequential"])
@pytest.mark.parametrize("options", [{"rows": 2}, REFERENCE], ids=["batched", "reference"])
def test_what_only_float32_can_decode_is_drawn_however_the_weights_wait(tmp_path, offload, options):
    pipe = tiny.sd_pipeline("DDIM")
    overflow_in_half(pipe)
    pipe.save_pretrained(tmp_path)
    with EmulatedCuda():
        drawing = draw(tmp_path, dtype="float16", offload=offload, prompts=1, **options)
    assert drawing.spoiled == {}
    assert len(drawing.pictures) == 2


def unet_trips(cuda, unet_weight):
    """How often the UNet came to the device, by the copies of one of its weights that went back."""
    what = f"{tuple(unet_weight)} float16"
    return sum(wait.kind == "copy to the host" and wait.what == what for wait in cuda.waits)


def test_the_unet_stays_while_frames_are_in_flight(models):
    """Its weight of 8 x 4 x 3 x 3 has a shape of its own."""
    with EmulatedCuda() as cuda:
        drawing = draw(models("sd"), dtype="float16", offload="model", rows=2, prompts=3, weights=(0.9, 0.4))
        batched = unet_trips(cuda, (8, 4, 3, 3))
    assert len(drawing.pictures) == 6
    with EmulatedCuda() as cuda:
        draw(models("sd"), dtype="float16", offload="model", prompts=3, weights=(0.9, 0.4), **REFERENCE)
        reference = unet_trips(cuda, (8, 4, 3, 3))
    assert reference == 6
    assert batched <= 2


def test_half_precision_looks_alike_in_both_engines(models):
    """The memory format of the UNet's weights decides how kernels add."""
    with EmulatedCuda():
        unets = [loaded(models("sd"), dtype="float16", **options)[0] for options in ({}, REFERENCE)]
        weights = [each.pipelines.text.unet.conv_in.weight for each in unets]
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
