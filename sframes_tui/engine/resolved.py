"""A configuration in which nothing is left to the program any more: the last of two steps in which that is settled.

The first is `plan/draft.py`: what can be known without loading anything. The second is loading the model, whose
`Facts` tell what became of size, device, number format, variant, scheduler and engine, and then choosing how many
pictures are drawn at once. Here these meet what was asked for, so that nobody behind asks an option that may be None
or "auto".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, options_that
from sframes_tui.engine.protocol import Engine, Facts


@dataclass(frozen=True, slots=True)
class Resolved:
    """How pictures are drawn at one moment of a run: an engine may have to come down while it draws."""

    asked: GenerationConfig
    """The options as the configuration has them."""
    facts: Facts
    rows: int
    """How many pictures are drawn at once."""

    @classmethod
    def by(cls, engine: Engine, asked: GenerationConfig) -> Self:
        """As the engine draws just now."""
        return cls(asked, engine.facts, engine.capacity)

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What became of the options that leave a choice, or that the engine had to change, as values of options.

        They ask another machine for the same: a GPU stands for any of its kind.
        """
        return {
            "dtype": self.facts.dtype,
            "device": self.kind_of_device,
            "engine": "reference" if self.facts.engine == "reference" else "auto",
            "rows": self.rows,
            **self.facts.changed,
        }

    @property
    def loaded(self) -> Mapping[str, Any]:
        """The options that say which model's content is loaded, as it was; the model by the name that people know."""
        asked = dict(self._asked(Effect.LOADS))
        return {**asked, "model": self.facts.model, "variant": self.facts.variant}

    @property
    def told(self) -> Mapping[str, Any]:
        """The options that may change a picture's bytes, as they were asked for."""
        return dict(self._asked(Effect.TOLD))

    @property
    def kind_of_device(self) -> str:
        """Without its number, which says nothing of a picture's bytes: what a GPU is, is told by its name."""
        return self.facts.device.partition(":")[0]

    def _asked(self, effect: Effect) -> Iterator[tuple[str, Any]]:
        return ((key, getattr(self.asked, key)) for key in options_that(GenerationConfig, effect))
