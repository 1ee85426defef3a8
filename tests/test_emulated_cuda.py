"""The emulated CUDA refuses what a real one refuses, sees what makes the host wait, and leaves nothing behind."""

import threading

import pytest
import torch
from torch.nn.functional import conv2d, group_norm, linear, scaled_dot_product_attention

from tests.emulated_cuda import EmulatedCuda, Fault, Gpu, RaceError


def there(*shape, dtype=torch.float32, device="cuda"):
    return torch.ones(*shape, dtype=dtype, device=device)


def here(*shape, dtype=torch.float32):
    return torch.ones(*shape, dtype=dtype)


HALF = torch.float16

REFUSED = {
    "two devices added": lambda: there(2) + here(2),
    "two GPUs added": lambda: there(2) + there(2, device="cuda:1"),
    "two devices joined": lambda: torch.cat([there(2), here(2)]),
    "a product of two devices": lambda: there(2, 2) @ here(2, 2),
    "changed in place by another device": lambda: here(2).add_(there(2)),
    "a table of the host, indices of the device": lambda: here(5)[there(2, dtype=torch.long)],
    "indices of the host in a gather": lambda: there(5).gather(0, torch.zeros(2, dtype=torch.long)),
    "a number of the host in a clamp": lambda: there(5).clamp(torch.tensor(0.0), torch.tensor(1.0)),
    "two formats in a product": lambda: linear(there(2, 2), there(2, 2, dtype=HALF)),
    "two formats in a convolution": lambda: conv2d(there(1, 1, 2, 2, dtype=HALF), there(1, 1, 1, 1)),
    "two formats in a norm": lambda: group_norm(there(1, 2, 2), 1, there(2, dtype=HALF), there(2, dtype=HALF)),
    "a wide mask in attention": lambda: scaled_dot_product_attention(
        *[there(1, 2, 4, dtype=HALF)] * 3, attn_mask=there(1, 2, 2)
    ),
    "noise by a generator of the host": lambda: torch.randn(2, device="cuda", generator=torch.Generator()),
    "noise in place by a generator of the host": lambda: there(2).normal_(generator=torch.Generator()),
    "an array of a device's tensor": lambda: there(2).numpy(),
    "a page-locked tensor on a device": lambda: torch.ones(2, device="cuda").pin_memory(),
    "a device that isn't there": lambda: there(2, device="cuda:7"),
    "equations in half precision": lambda: torch.linalg.solve(there(2, 2, dtype=HALF), there(2, 2, dtype=HALF)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cuda_refuses_is_refused(what):
    with EmulatedCuda(), torch.inference_mode(), pytest.raises((RuntimeError, TypeError, IndexError)):
        REFUSED[what]()


ALLOWED = {
    "a number of the host": lambda: there(2) * torch.tensor(2.0),
    "numbers chosen between": lambda: torch.where(there(2) > 0, torch.tensor(2.0), torch.tensor(0.0)),
    "indices of the host": lambda: there(5)[torch.zeros(2, dtype=torch.long)],
    "a view's parameter": lambda: torch.nn.Parameter(there(4)[1:]) + there(3),
    "a copy of another format": lambda: there(2).to(HALF) + there(2, dtype=HALF),
    "like another": lambda: torch.zeros_like(there(2)) + torch.empty_like(here(2), device="cuda"),
    "a module": lambda: torch.nn.Linear(2, 2).to("cuda")(there(1, 2)),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_cuda_takes_is_taken_and_stays_on_its_device(what):
    with EmulatedCuda() as cuda:
        assert ALLOWED[what]().device == torch.device("cuda", 0)
    assert cuda.contexts == {0}


WAITS = {
    "number read": lambda: there(2).sum().item(),
    "size read": lambda: there(2)[there(2) > 0],
    "pageable copy": lambda: here(2).to("cuda", non_blocking=True),
    "blocking copy": lambda: here(2).pin_memory().to("cuda"),
    "copy to the host": lambda: there(2).cpu(),
    "synchronize": lambda: torch.cuda.synchronize(),
    "event": lambda: torch.cuda.Event().synchronize(),
}


@pytest.mark.parametrize("kind", WAITS)
def test_the_host_is_seen_waiting(kind):
    with EmulatedCuda() as cuda:
        WAITS[kind]()
    assert [wait.kind for wait in cuda.waits] == [kind]


def test_arithmetic_and_page_locked_copies_wait_for_nothing():
    with EmulatedCuda() as cuda:
        (there(2, 2) @ here(2, 2).pin_memory().to("cuda", non_blocking=True)).relu_()
    assert cuda.waits == []


def test_page_locked_memory_must_not_change_before_its_copy_is_done():
    with EmulatedCuda():
        buffer = torch.zeros(3).pin_memory()
        buffer.to("cuda", non_blocking=True)
        buffer.add_(1)
        with pytest.raises(RaceError, match="changed under the copy"):
            torch.cuda.synchronize()
        buffer.add_(1)
        torch.cuda.synchronize()


def test_what_comes_asynchronously_is_rubbish_until_somebody_waited():
    with EmulatedCuda():
        copied = torch.zeros(3, device="cuda").to("cpu", non_blocking=True)
        before = copied.clone()
        torch.cuda.synchronize()
        assert not torch.equal(before, copied)
        assert torch.equal(copied, torch.zeros(3))


def test_an_event_is_recorded_where_cuda_would():
    with EmulatedCuda() as cuda:
        torch.cuda.Event().record()
        torch.cuda.Event().record(torch.cuda.current_stream("cuda:1"))
        torch.cuda.set_device(1)
        torch.cuda.Event().record()
    assert [device.index for device in cuda.recorded] == [0, 1, 1]


def test_an_error_comes_at_the_call_that_was_chosen():
    with EmulatedCuda() as cuda:
        cuda.faults.append(Fault("mm", RuntimeError("cuBLAS says no"), after=1, times=2))
        there(2, 2) @ there(2, 2)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="cuBLAS says no"):
                there(2, 2) @ there(2, 2)
        there(2, 2) @ there(2, 2)


def test_each_gpu_has_its_own_memory_capability_and_faults():
    gpus = (Gpu(memory=100_000, taken=30_000), Gpu(capability=(7, 5), broken="CUDA error: all gone"))
    with EmulatedCuda(gpus, kernels=["sm_75"]) as cuda:
        held = torch.zeros(1000, device="cuda")
        assert torch.cuda.mem_get_info(0) == (66_000, 100_000)
        assert torch.cuda.get_device_capability(1) == (7, 5)
        assert torch.cuda.get_arch_list() == ["sm_75"]
        with pytest.raises(RuntimeError, match="all gone"):
            torch.zeros(2, device="cuda:1")
        del held
        assert cuda.ledger.bytes_on(torch.device("cuda", 0)) == 0


def test_threads_see_it_too_and_afterwards_nothing_is_left():
    names = ("is_available", "Event", "mem_get_info", "synchronize", "device")
    before = [getattr(torch.cuda, name) for name in names]
    found = []
    with EmulatedCuda():
        thread = threading.Thread(target=lambda: found.append(there(2).device))
        thread.start()
        thread.join()
    assert [str(device) for device in found] == ["cuda:0"]
    assert [getattr(torch.cuda, name) for name in names] == before
    assert not torch.cuda.is_available()
    with pytest.raises((RuntimeError, AssertionError)):
        torch.zeros(2, device="cuda")
