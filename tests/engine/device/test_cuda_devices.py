"""Which GPU is taken, what is said of the others, and what torch is asked for on it: on emulated machines."""

import dataclasses
import os
import threading

import pynvml
import pytest
import torch

from sframes_tui import doctor
from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.device import cards, devices
from sframes_tui.engine.device.cuda import exact_kernels, uuid_of
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import ModelError
from sframes_tui.run.record.header import circumstances, differences
from sframes_tui.ui import gpu
from tests.emulated_cuda import KERNELS, EmulatedCuda, Gpu
from tests.emulated_driver import DRIVER
from tests.engine import tiny
from tests.engine.emulated import loaded

GIB = 2**30
OLD = Gpu("GeForce GTX 1080", 8 * GIB, 0, capability=(6, 1))
FULL = Gpu("A100", 40 * GIB, 39 * GIB)
FREE = Gpu("A10", 24 * GIB, GIB)
TURING = Gpu("T4", 16 * GIB, GIB, capability=(7, 5))
PART = Gpu("A100 MIG 1g.5gb", 5 * GIB, 0, mute=True)
BROKEN = Gpu("H100", 80 * GIB, 0, capability=(9, 0), broken="CUDA error: uncorrectable ECC error encountered")

CHOSEN = {
    "one": ((FREE,), "cuda:0"),
    "the free one": ((FULL, FREE), "cuda:1"),
    "the one with kernels": ((OLD, FULL), "cuda:1"),
    "none with kernels": ((OLD,), "cpu"),
    "none": ((), "cpu"),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_auto_takes_the_gpu_with_most_free_memory_and_touches_none(name):
    gpus, device = CHOSEN[name]
    with EmulatedCuda(gpus) as emulated:
        assert str(devices.pick_device("auto")) == device
    assert emulated.contexts == set()


@pytest.mark.parametrize(
    ("kernels", "capability", "runs"),
    [
        (["sm_80"], (8, 0), True),
        (["sm_80"], (8, 9), True),
        (["sm_86"], (8, 0), False),
        (["sm_80"], (9, 0), False),
        (["sm_80", "compute_80"], (9, 0), True),
        (["compute_90"], (8, 0), False),
        (["sm_90a"], (9, 0), True),
        (["sm_100f", "sm_90a"], (10, 3), False),
        (KERNELS, (13, 0), True),
        (KERNELS, (6, 1), False),
        (["gfx90a"], (9, 0), True),
    ],
)
def test_kernels_run_on_their_generation_and_ptx_on_later_ones(kernels, capability, runs):
    with EmulatedCuda((Gpu(capability=capability),), kernels):
        if runs:
            assert str(devices.pick_device("cuda")) == "cuda:0"
        else:
            with pytest.raises(ModelError, match="no kernels for Emulated GPU"):
                devices.pick_device("cuda")


def test_cards_without_kernels_are_named():
    with EmulatedCuda((OLD, FREE)):
        (said,) = devices.passed_over("auto")
        assert devices.passed_over("cuda:1") == []
        with pytest.raises(
            ModelError, match=r'device = "cuda:0": this torch has no kernels .*6\.1.*set device = "auto"'
        ):
            devices.pick_device("cuda:0")
    assert said.startswith(
        "cuda:0 is not used: this torch has no kernels for GeForce GTX 1080 (compute capability 6.1;"
    )


@pytest.mark.parametrize(("gpus", "device", "dtype"), [((FREE, TURING), 1, "float16"), ((TURING, FREE), 1, "bfloat16")])
def test_the_number_format_suits_the_gpu_that_was_chosen(gpus, device, dtype):
    with EmulatedCuda(gpus):
        assert str(devices.pick_dtype("auto", torch.device("cuda", device))) == f"torch.{dtype}"


def test_a_run_knows_its_card_and_what_computes_on_it(tmp_path):
    with EmulatedCuda((FREE, TURING)):
        engine, _ = loaded(tiny.tiny_sd(tmp_path), "cuda:1")
        facts, config = engine.facts, GenerationConfig()
        assert facts.dtype == "float16"
        assert cards.free_bytes(facts.card) < 15 * GIB
        engine.close()
    told = circumstances(Resolved(config, facts, 1))
    assert (told["CUDA"], told["cuDNN"], told["driver"]) == ("13.0", "91002", DRIVER)
    first = {"circumstances": {**told, "device": "cuda"}}
    assert differences(first, Resolved(config, dataclasses.replace(facts, device="cuda:0"), 1)) is None
    newer = dataclasses.replace(facts, libraries=(("CUDA", "13.0"), ("driver", "999.1")))
    assert f"driver was {DRIVER}, is 999.1" in differences(first, Resolved(config, newer, 1))


def test_equal_bytes_are_asked_of_cudnn_and_no_longer_once_the_engine_is_closed(tmp_path):
    cudnn = torch.backends.cudnn
    before = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32)
    cudnn.benchmark = True
    try:
        with EmulatedCuda():
            engine, _ = loaded(tiny.tiny_sd(tmp_path), dtype="float32")
            assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (False, True, False)
            engine.close()
            assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (True, *before[1:])
    finally:
        cudnn.benchmark = before[0]


def test_where_bytes_may_differ_nothing_is_asked_of_cudnn():
    with exact_kernels(GenerationConfig(deterministic=False), torch.device("cuda", 0)):
        assert not torch.backends.cudnn.deterministic


def test_cublas_is_asked_too_where_torch_does_not_see_to_it(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    for version, asked in (("2.9.1+cu128", ":4096:8"), ("2.13.0", None)):
        monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion(version))
        with exact_kernels(GenerationConfig(), torch.device("cuda", 0)):
            assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == asked
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_doctor_examines_cards_that_are_broken_old_or_in_parts():
    with EmulatedCuda((FREE, BROKEN, OLD, PART)):
        lines = list(doctor._devices())
    said = {line.split()[0]: line for line in lines}
    assert "A10, 23.0 GiB free of 24.0 GiB" in said["cuda:0"]
    assert "can't be used: CUDA error: uncorrectable ECC" in said["cuda:1"]
    assert "no kernels for GeForce GTX 1080" in said["cuda:2"]
    assert "5.0 GiB free" in said["cuda:3"]
    assert DRIVER in said["driver"]


def test_the_card_is_found_whatever_its_number_and_tells_what_it_can(monkeypatch):
    """The management library counts the other way round."""
    monkeypatch.setattr(gpu, "SECONDS", 0)
    with EmulatedCuda((FREE, PART)):
        loads = [watched(uuid_of(torch.device("cuda", number))) for number in (0, 1)]
    assert [load.total // GIB for load in loads] == [24, 5]
    assert str(loads[0]) == "GPU 50% 1.0/24 GiB 60°C 200 W"
    assert str(loads[1]) == "GPU 0.0/5 GiB"


def watched(uuid):
    """The first reading."""
    told, found = threading.Event(), []

    def tell(load):
        found.append(load)
        told.set()

    watch = gpu.GpuWatch(uuid, tell)
    assert told.wait(60)
    watch.close()
    return found[0]


def test_without_a_driver_nothing_is_known(monkeypatch):
    def fail():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert cards.driver_version() == ""
    assert cards.free_bytes("0000") is None
