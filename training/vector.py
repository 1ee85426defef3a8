"""All parameters of some networks as one long vector, trained by AdamW, each worker minding its own part.

One vector means a few long operations a step instead of thousands of short ones. The workers share it in
memory: everyone sees everyone's gradient, averages and updates its own part, and all go on with the same new
values. So nothing is sent, and no work is done twice (after Rajbhandari et al. 2020, "ZeRO", stage one, on
one machine).
"""

from typing import Any

import torch
from torch import Tensor, nn

from training.workers import Crew

MOMENTUM, MEMORY, DECAY, TINY = 0.9, 0.98, 0.01, 1e-8
"""AdamW's two averaging factors, its weight decay, and what keeps it from dividing by zero."""
LARGEST = 1.0
"""A longer gradient is shortened to this norm."""


class Vector:
    """The values of all parameters, their gradients, moments and exponential average; float32 (size,)
    each.
    """

    def __init__(self, modules: list[nn.Module], crew: Crew) -> None:
        parameters = [p for module in modules for p in module.parameters()]
        size = sum(p.numel() for p in parameters)
        self.crew = crew
        self.values, self.average = crew.shared("values", size), crew.shared("average", size)
        self.first, self.second = crew.shared("first", size), crew.shared("second", size)
        self.gradients = [crew.shared(f"gradient-{rank}", size) for rank in range(crew.size)]
        start = 0
        for parameter in parameters:
            stretch = slice(start, start + parameter.numel())
            view = _shaped(self.values[stretch], parameter.shape)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = _shaped(self.gradients[crew.rank][stretch], parameter.shape)
            start += parameter.numel()
        crew.wait()
        self.average.copy_(self.values)
        share = -(-size // crew.size)
        self.part = slice(crew.rank * share, (crew.rank + 1) * share)

    @torch.no_grad()
    def step(self, number: int, rate: float, slowness: float) -> None:
        """Average all gradients, make AdamW's step `number` (from 0), let the average follow; clear
        gradients.
        """
        self.crew.wait()
        gradient = sum((g[self.part] for g in self.gradients[1:]), self.gradients[0][self.part]) / self.crew.size
        norm = self.crew.total(gradient.square().sum()).sqrt()
        gradient *= (LARGEST / (norm + 1e-6)).clamp(max=1)
        first, second, values = self.first[self.part], self.second[self.part], self.values[self.part]
        first.lerp_(gradient, 1 - MOMENTUM)
        second.mul_(MEMORY).addcmul_(gradient, gradient, value=1 - MEMORY)
        spread = (second / (1 - MEMORY ** (number + 1))).sqrt_().add_(TINY)
        values.mul_(1 - rate * DECAY).addcdiv_(first, spread, value=-rate / (1 - MOMENTUM ** (number + 1)))
        self.average[self.part].lerp_(values, 1 - min(slowness, (1 + number) / (10 + number)))
        self.crew.wait()
        self.gradients[self.crew.rank].zero_()

    def state(self) -> dict[str, Tensor]:
        """Everything that a later run needs to go on."""
        return {"values": self.values, "average": self.average, "first": self.first, "second": self.second}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        for name, vector in self.state().items():
            vector.copy_(state[name])
        self.crew.wait()


def _shaped(stretch: Tensor, shape: torch.Size) -> Tensor:
    """A stretch of the vector in the parameter's shape, convolutions in channels-last order."""
    if len(shape) != 4:
        return stretch.view(shape)
    return stretch.view(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2)
