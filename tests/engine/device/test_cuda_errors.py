"""What CUDA and its libraries say when something fails: what is memory, what is a lost GPU, and what is neither.

To add a sentence, add a line to `SAID`.
"""

import pytest
import torch

from sframes_tui.engine.device.memory import is_out_of_memory, require_device
from sframes_tui.errors import DeviceError, ModelError
from tests.emulated_cuda import EmulatedCuda, Fault
from tests.engine import tiny
from tests.engine.drawing import Drawing
from tests.engine.emulated import draw, loaded

KERNELS = "\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below ..."

SAID = [
    (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total", "memory"),
    (torch.AcceleratorError, "CUDA error: out of memory" + KERNELS, "memory"),
    (RuntimeError, "CUDA error: out of memory" + KERNELS, "memory"),
    (RuntimeError, "CUDA driver error: out of memory", "memory"),
    (RuntimeError, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "memory"),
    (RuntimeError, "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", "memory"),
    (RuntimeError, "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "memory"),
    (RuntimeError, "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", "memory"),
    (RuntimeError, "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "memory"),
    (RuntimeError, "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`", "memory"),
    (RuntimeError, "GET was unable to find an engine to execute this computation", "memory"),
    (RuntimeError, "Unable to find a valid cuDNN algorithm to run convolution", "memory"),
    (RuntimeError, "MPS backend out of memory (MPS allocated: 9.07 GB, other allocations: 1.4 MB)", "memory"),
    (RuntimeError, "HIP out of memory. Tried to allocate 512.00 MiB", "memory"),
    (RuntimeError, "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory", "memory"),
    (RuntimeError, "[enforce fail at alloc_cpu.cpp:75] data. DefaultCPUAllocator: not enough memory", "memory"),
    (MemoryError, "", "memory"),
    (torch.AcceleratorError, "CUDA error: an illegal memory access was encountered" + KERNELS, "lost"),
    (RuntimeError, "CUDA error: device-side assert triggered" + KERNELS, "lost"),
    (torch.AcceleratorError, "CUDA error: unspecified launch failure" + KERNELS, "lost"),
    (torch.AcceleratorError, "CUDA error: uncorrectable ECC error encountered" + KERNELS, "lost"),
    (torch.AcceleratorError, "CUDA error: the launch timed out and was terminated" + KERNELS, "lost"),
    (RuntimeError, "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle, ...)`", "lost"),
    (RuntimeError, "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "lost"),
    (torch.AcceleratorError, "CUDA error: no kernel image is available for execution on the device" + KERNELS, "other"),
    (torch.AcceleratorError, "CUDA error: invalid argument" + KERNELS, "other"),
    (torch.AcceleratorError, "CUDA error: invalid configuration argument" + KERNELS, "other"),
    (RuntimeError, "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED", "other"),
    (RuntimeError, "Expected all tensors to be on the same device, cuda:0 and cpu!", "other"),
    (ValueError, "a picture that tells of CUDA error: out of memory", "other"),
]  # fmt: skip
"""(class, what it says, what it is). A lost GPU says the same again when it is asked."""

CUDA = torch.device("cuda", 0)


def short(each):
    return str(each).splitlines()[0][:60] if isinstance(each, str) and each else None


@pytest.mark.parametrize(("kind", "said", "what"), SAID, ids=short)
def test_what_is_said_is_understood(kind, said, what):
    error = kind(said)
    assert is_out_of_memory(error) == (what == "memory")
    with EmulatedCuda() as cuda:
        if what == "lost":
            cuda.faults.append(Fault("synchronize", error, times=100))
            with pytest.raises(DeviceError, match=r"the GPU answers no more .*; start the program again and resume"):
                require_device(error, CUDA)
        else:
            require_device(error, CUDA)
    require_device(error, torch.device("cpu"))


@pytest.fixture(scope="module")
def sd(tmp_path_factory):
    return tiny.tiny_sd(tmp_path_factory.mktemp("sd"), "DDIM")


@pytest.fixture(scope="module")
def flux(tmp_path_factory):
    return tiny.tiny_flux(tmp_path_factory.mktemp("flux"))


CUBLAS = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
CUDNN = RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
CONTEXT = torch.AcceleratorError("CUDA error: out of memory" + KERNELS)


def failing(cuda, engine, plan, fault):
    cuda.faults.append(fault)
    return Drawing(plan, engine)


@pytest.mark.parametrize("error", [CUBLAS, CUDNN, CONTEXT], ids=["cuBLAS", "cuDNN", "context"])
@pytest.mark.parametrize("options", [{"rows": 2}, {"engine": "reference"}], ids=["batched", "reference"])
def test_memory_that_runs_out_once_costs_no_picture(sd, error, options):
    options = {"dtype": "float32", "prompts": 1, **options}
    with EmulatedCuda() as cuda:
        expected = draw(sd, **options).bytes
        engine, plan = loaded(sd, **options)
        drawing = failing(cuda, engine, plan, Fault("native_group_norm", error, after=30))
    assert drawing.bytes == expected
    (said,) = drawing.remarks
    assert "freed what was unused" in said


RUNGS = {
    "batched": ({"rows": 2}, ["freed", "wait in main memory", "makes room", "1 instead of 2"]),
    "batched, free to change": (
        {"rows": 2, "deterministic": False},
        ["freed", "1 instead of 2", "wait in main memory"],
    ),
    "batched, parts wait": ({"rows": 2, "offload": "model"}, ["freed", "makes room for the VAE", "1 instead of 2"]),
    "reference": ({"engine": "reference"}, ["freed", "wait in main memory"]),
}


@pytest.mark.parametrize("name", RUNGS)
def test_what_keeps_the_bytes_is_tried_before_what_changes_them(sd, name):
    options, rungs = RUNGS[name]
    with EmulatedCuda() as cuda:
        engine, plan = loaded(sd, dtype="float16", prompts=1, **options)
        drawing = failing(cuda, engine, plan, Fault("native_group_norm", CUBLAS, times=len(rungs)))
    assert len(drawing.pictures) == 2
    assert len(drawing.remarks) == len(rungs)
    assert all(part in said for part, said in zip(rungs, drawing.remarks, strict=True))


def test_a_group_goes_on_with_what_memory_it_has(flux):
    with EmulatedCuda() as cuda:
        engine, plan = loaded(flux, rows=2, dtype="float16", prompts=1)
        drawing = failing(cuda, engine, plan, Fault("addmm", CUDNN, after=100, times=3))
        assert engine.capacity == 1
    assert len(drawing.pictures) == 2
    freed, offload, fewer = drawing.remarks
    assert "freed" in freed
    assert "wait in main memory" in offload
    assert "1 instead of 2" in fewer


@pytest.mark.parametrize("error", [CUBLAS, CUDNN, CONTEXT, MemoryError()], ids=["cuBLAS", "cuDNN", "context", "host"])
def test_more_rows_than_memory_holds_take_for_ever(sd, flux, error):
    for folder, operation in ((sd, "native_group_norm"), (flux, "addmm")):
        with EmulatedCuda() as cuda:
            engine, _ = loaded(folder, dtype="float16", rows=2)
            cuda.faults.append(Fault(operation, error, times=1))
            assert engine.call_seconds(2) == float("inf")


@pytest.mark.parametrize("options", [{"rows": 2}, {"engine": "reference"}], ids=["batched", "reference"])
def test_a_lost_gpu_ends_the_run_instead_of_failing_every_frame(sd, options):
    lost = torch.AcceleratorError("CUDA error: an illegal memory access was encountered" + KERNELS)
    with EmulatedCuda() as cuda:
        engine, plan = loaded(sd, dtype="float16", prompts=1, **options)
        cuda.faults += [Fault(place, lost, times=100) for place in ("native_group_norm", "synchronize")]
        with pytest.raises(DeviceError, match=r"answers no more .*illegal memory access was encountered.*resume"):
            Drawing(plan, engine)


def test_an_error_of_one_frame_is_no_lost_gpu(sd):
    wrong = torch.AcceleratorError("CUDA error: invalid argument" + KERNELS)
    with EmulatedCuda() as cuda:
        engine, plan = loaded(sd, dtype="float16", prompts=1, rows=1)
        drawing = failing(cuda, engine, plan, Fault("native_group_norm", wrong))
    assert len(drawing.pictures) == 1
    assert [reason for reason in drawing.spoiled.values() if "invalid argument" in reason]


LOADING = {
    "memory": (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
        "does not fit into the memory",
    ),
    "context": (CONTEXT, r'does not fit into the memory of cuda:0; set offload = "model"'),
    "exclusive": (
        torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable" + KERNELS),
        "cuda:0 can't be used: CUDA error: CUDA-capable device",
    ),
}


@pytest.mark.parametrize("name", LOADING)
def test_a_model_that_cannot_be_placed_is_said_so_in_one_sentence(sd, name):
    error, said = LOADING[name]
    with EmulatedCuda() as cuda:
        cuda.faults.append(Fault("copy", error, after=20))
        with pytest.raises(ModelError, match=said):
            loaded(sd, dtype="float16")
