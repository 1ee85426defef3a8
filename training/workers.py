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

import torch
from torch import distributed, multiprocessing
from torch.nn import Parameter

PATIENCE = timedelta(days=7)
"""How long a worker waits for the others: a paused run must not fail."""


@dataclass(frozen=True)
class Crew:
    """One worker's place among all: its rank, their number, and the device that it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def average(self, parameters: Iterable[Parameter]) -> None:
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
    meeting = folder / "workers.meeting"
    meeting.unlink(missing_ok=True)
    multiprocessing.spawn(  # type: ignore[attr-defined]
        _worker, (work, workers, folder, meeting), nprocs=workers
    )


def _worker(rank: int, work: Callable[[Crew], None], size: int, folder: Path, meeting: Path) -> None:
    torch.set_num_threads(1)
    (folder / f"worker-{rank}.pid").write_text(f"{os.getpid()}\n")
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=size, timeout=PATIENCE
    )
    try:
        work(Crew(rank, size, torch.device("cpu")))
    finally:
        (folder / f"worker-{rank}.pid").unlink(missing_ok=True)
        distributed.destroy_process_group()
