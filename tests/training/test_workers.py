"""Several workers make the same step as one that saw all their pictures."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.vector import Vector
from training.workers import Crew, launch


@dataclass(frozen=True)
class Fitting:
    """Fit a layer to zeros; each worker sees every `size`-th of four rows. Picklable, for the workers'
    sake."""

    target: Path

    def __call__(self, crew: Crew) -> None:
        torch.manual_seed(0)
        layer, rows = nn.Linear(5, 3), torch.randn(4, 5)
        vector = Vector([layer], crew)
        for step in range(5):
            layer(rows[crew.rank :: crew.size]).square().mean().backward()
            vector.step(step, rate=0.05, slowness=0.9)
        if crew.leads:
            torch.save(vector.state(), self.target)


def test_two_workers_are_as_good_as_one(tmp_path) -> None:
    Fitting(tmp_path / "one.pt")(Crew(0, 1, torch.device("cpu")))
    launch(Fitting(tmp_path / "two.pt"), 2, tmp_path)
    one, two = torch.load(tmp_path / "one.pt"), torch.load(tmp_path / "two.pt")
    for name, vector in one.items():
        assert torch.allclose(vector, two[name], atol=1e-6), name
    assert not list(tmp_path.glob("*.pid"))


def test_the_vector_makes_the_steps_of_adamw() -> None:
    torch.manual_seed(1)
    layer, twin, rows = nn.Linear(5, 3), nn.Linear(5, 3), torch.randn(4, 5)
    twin.load_state_dict(layer.state_dict())
    vector = Vector([layer], Crew(0, 1, torch.device("cpu")))
    known = torch.optim.AdamW(twin.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(4):
        layer(rows).square().mean().backward()
        vector.step(step, rate=0.01, slowness=0.9)
        known.zero_grad()
        twin(rows).square().mean().backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        known.step()
    assert torch.allclose(layer.weight, twin.weight, atol=1e-6)
    assert torch.allclose(layer.bias, twin.bias, atol=1e-6)
