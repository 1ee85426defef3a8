"""One training run as several processes of one thread each, their gradients averaged at every step.

On a CPU whose cores are shared with other work this is many times faster than one process with several
threads, which wait for each other inside every operation. On CUDA there is one process and this costs
nothing.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, distributed, multiprocessing
from torch.nn import Parameter
from torch.optim import Optimizer

PATIENCE = timedelta(days=7)
"""How long a worker waits for the others: a paused run must not fail."""


@dataclass(frozen=True)
class Crew:
    """One worker's place among all: its rank, their number, and the device that it computes on."""

    rank: int
    size: int
    device: torch.device
    commons: Path | None = None
    """A folder in memory that the workers share, where there are several."""

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def shared(self, name: str, size: int) -> Tensor:
        """Zeros, float32 (size,), that are the same memory in every worker that asks for this name."""
        if self.commons is None:
            return torch.zeros(size, device=self.device)
        return torch.from_file(str(self.commons / name), shared=True, size=size)

    def wait(self) -> None:
        """Go on when all workers have come here."""
        if self.size > 1:
            distributed.barrier()

    def total(self, part: Tensor) -> Tensor:
        """The sum of a number over the workers."""
        if self.size > 1:
            distributed.all_reduce(part)
        return part

    def descend(self, loss: Tensor, optimizer: Optimizer, longest: float | None = None) -> None:
        """One step of the optimizer, down the mean of the workers' losses; no gradient is longer than `longest`."""
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        optimizer.zero_grad()
        loss.backward()
        self._average(parameters)
        if longest is not None:
            torch.nn.utils.clip_grad_norm_(parameters, longest)
        optimizer.step()

    def _average(self, parameters: Iterable[Parameter]) -> None:
        """Replace every gradient by its mean over the workers."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 arithmetic: native on CUDA and on recent server CPUs."""
    return torch.autocast(device.type, torch.bfloat16)


def launch(work: Callable[[Crew], None], workers: int, folder: Path) -> None:
    """Run `work` in that many processes, or here and now on CUDA or when one is asked for."""
    if torch.cuda.is_available():
        work(Crew(0, 1, torch.device("cuda")))
        return
    if workers == 1:
        torch.set_num_threads(1)
        work(Crew(0, 1, torch.device("cpu")))
        return
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as commons:
        places = (work, workers, folder, Path(commons))
        multiprocessing.spawn(_worker, places, nprocs=workers)  # type: ignore[attr-defined]


def _worker(rank: int, work: Callable[[Crew], None], size: int, folder: Path, commons: Path) -> None:
    torch.set_num_threads(1)
    pid = folder / f"worker-{rank}.pid"
    pid.write_text(f"{os.getpid()}\n")
    meeting = f"file://{commons / 'meeting'}"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=size, timeout=PATIENCE)
    try:
        work(Crew(rank, size, torch.device("cpu"), commons))
    finally:
        pid.unlink(missing_ok=True)
        distributed.destroy_process_group()
