"""Which arithmetic steps the rows: a table's, or each row's own scheduler object. Must not call a model.

Diffusers' schedulers take one timestep for a whole batch. Here each algorithm is a pure function over rows with a
coefficient each, gathered from a table that is made once; every other scheduler steps row by row, on a copy a row.
"""

from typing import Any, Protocol

import torch

from sframes_tui.engine.pipelines import Scheduler, scheduler_name, takes
from sframes_tui.engine.stepping.multistep import DpmSolverPp2M, Pndm, UniPc
from sframes_tui.engine.stepping.rows import Row
from sframes_tui.engine.stepping.tabled import KINDS, Ddim, Euler, EulerAncestral, Rows, Tabled


class Solver(Protocol):
    """What turns model outputs into the next latents; rows are (rows, channels, height, width), in one order.

    Latents and outputs come in one number format, and stay in it: float32, or float64 where the model has that.
    """

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the model wants to see them."""
        ...

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """The latents one step on; draws each row's noise from its own generator."""
        ...


class RowByRow:
    """Each row's own scheduler object: exact by construction, for every scheduler diffusers has."""

    def __init__(self, scheduler: Scheduler, eta: float) -> None:
        self._eta = {"eta": eta} if takes(scheduler.step, "eta") else {}
        self._takes_generator = takes(scheduler.step, "generator")

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        return torch.cat(
            [
                row.scheduler.scale_model_input(each, row.time)
                for row, each in zip(rows, torch.split(latents, 1), strict=True)
            ]
        )

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        stepped = [
            row.scheduler.step(each, row.time, latent, **self._eta, **self._noise(row), return_dict=False)[0]
            for row, each, latent in zip(rows, torch.split(output, 1), torch.split(latents, 1), strict=True)
        ]
        return torch.cat(stepped)

    def _noise(self, row: Row) -> dict[str, Any]:
        return {"generator": row.generator} if self._takes_generator else {}


TABLED: dict[str, tuple[type[Tabled], dict[str, Any]]] = {
    "DDIM": (Ddim, {}),
    "EulerDiscrete": (Euler, {"timestep_type": "discrete"}),
    "EulerAncestralDiscrete": (EulerAncestral, {}),
    "DPMSolverMultistep": (
        DpmSolverPp2M,
        {"solver_order": 2, "algorithm_type": "dpmsolver++", "solver_type": "midpoint", "use_flow_sigmas": False},
    ),
    "PNDM": (Pndm, {"skip_prk_steps": True}),
    "UniPCMultistep": (UniPc, {"solver_order": 2, "predict_x0": True, "solver_p": None, "use_flow_sigmas": False}),
}
"""What has a table, and the settings that it holds for."""


def pick_solver(scheduler: Scheduler, eta: float, device: torch.device) -> Solver:
    """A vectorised solver for a scheduler whose timesteps are set; row by row where there is none for its settings."""
    kind, settings = TABLED.get(scheduler_name(scheduler), (None, {}))
    config = scheduler.config
    fits = all(config.get(key) == value for key, value in settings.items())
    known = config.prediction_type in KINDS and (kind is not Pndm or config.prediction_type != "sample")
    if kind is None or not fits or not known or config.get("thresholding", False) or not _finds_its_start(scheduler):
        return RowByRow(scheduler, eta)
    return kind(scheduler, eta, device)


def _finds_its_start(scheduler: Scheduler) -> bool:
    """Schedulers that look for their place by the first timestep take the second place that has it."""
    first: torch.Tensor = scheduler.timesteps == scheduler.timesteps[0]
    return int(first.sum()) == 1
