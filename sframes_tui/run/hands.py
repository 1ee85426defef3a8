"""A frame on its way to the engine: what it is really drawn from, and the job that says so. Must not import torch."""

import time
from dataclasses import dataclass

from PIL import Image

from sframes_tui.engine.protocol import Job
from sframes_tui.plan.plan import Frame
from sframes_tui.run.bases import Bases
from sframes_tui.run.session import Session


@dataclass(frozen=True, slots=True)
class InHand:
    """A frame that the engine draws."""

    frame: Frame
    """As it is really drawn: from the picture that takes the place of a failed one."""
    base: Image.Image | None
    started: float
    """`time.monotonic()`."""


class Hands:
    """Takes frames as they are planned."""

    def __init__(self, session: Session, bases: Bases) -> None:
        self._session, self._plan, self._bases = session, session.plan, bases

    def take(self, frame: Frame) -> InHand:
        """The frame with the picture that it starts from now. Raises `DiskError` where that went away."""
        source = self._bases.source(frame)
        if source is None:
            return InHand(self._plan.from_noise(frame), None, time.monotonic())
        return InHand(frame._replace(base=source), self._bases.picture(source), time.monotonic())

    def job(self, in_hand: InHand, attempt: int) -> Job:
        """What the engine is asked; every attempt has a seed of its own."""
        frame = in_hand.frame
        sent = self._session.fitted(frame).text
        seed = self._plan.frame_seed(frame, attempt)
        return Job(frame.number, sent, seed, frame.strength, in_hand.base, self._plan.chains[frame.number])
