"""An engine that paints plain colours: the loop's contract at any capacity, without a model."""

from collections import deque

from PIL import Image

from sframes_tui.engine.protocol import Drawn, Facts, Fitted, FromPicture, Progress, Spoiled
from sframes_tui.errors import ModelError
from sframes_tui.model.sampling import Sampling
from sframes_tui.plan.identity import Identities
from sframes_tui.run.drawing import Drawing
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.survey import Survey

SIZE = (16, 8)


def new_drawing(plan, folder, engine):
    """A drawing of the whole plan."""
    pairs = {(plan.prompt(frame), plan.style_text(frame)) for frame in plan.frames}
    prompts = {pair: engine.fit([pair[0]], pair[1])[0] for pair in pairs}
    survey = Survey(todo=dict.fromkeys(range(len(plan.frames)), "new"))
    journal = Journal(folder.tree)
    return Drawing(plan, Identities(plan, "paint"), folder, journal, survey, engine.facts, prompts, "paint")


class PaintEngine:
    """Draws each frame in `steps` advances, `capacity` at a time; frames named in `spoiled` fail."""

    def __init__(
        self, plan, capacity=1, steps=2, spoiled=(), pinned=False, shrinks=(), dtype="float32", too_long=(), size=SIZE
    ):
        """`shrinks`: after how many advances it takes only half as many frames, as engines short of memory do.

        `too_long`: prompts that it can't read whole.
        """
        self.facts = Facts("paint", "Paint", Sampling(scheduler="DDIM"), *size, "cpu", dtype, "brush", "paint")
        self._too_long, self._size = too_long, size
        self.capacity, self._steps, self._spoiled, self._plan = capacity, steps, set(spoiled), plan
        self.pinned, self._slots = pinned, capacity
        self._shrinks, self._advances = set(shrinks), 0
        self.jobs, self.most_in_flight, self.closed, self.resting = [], 0, False, False
        self._in_flight = deque()

    def fit(self, prompts, style):
        return [Fitted(f"{prompt} {style}".strip(), "the end" * (prompt in self._too_long)) for prompt in prompts]

    def probe(self):
        return None

    max_rows = 64
    stepwise = True

    def call_seconds(self, rows):
        return 1.0 + rows / 10

    def use_rows(self, rows):
        assert not self.jobs
        self.capacity = self._slots = rows

    def _place(self, chain):
        """Where rows became fewer, several slots share a place."""
        return chain % self._slots % self.capacity

    def has_room(self, slot):
        if self.pinned:
            return all(self._place(job.chain) != self._place(slot) for job, _ in self._in_flight)
        return len(self._in_flight) < self.capacity

    def admit(self, job):
        assert self.has_room(job.chain)
        self.jobs.append(job)
        self._in_flight.append([job, 0])
        self.most_in_flight = max(self.most_in_flight, len(self._in_flight))

    def advance(self, report, cancelled):
        assert not self.resting
        outcomes = []
        self._advances += 1
        if self._advances in self._shrinks:
            self.capacity = max(self.capacity // 2, 1)
        for entry in list(self._in_flight):
            if cancelled.is_set():
                return []
            entry[1] += 1
            report(Progress(entry[0].frame, entry[1], self._steps))
            if entry[1] == self._steps:
                self._in_flight.remove(entry)
                outcomes.append(self._outcome(entry[0]))
        return outcomes

    def _outcome(self, job):
        if self._plan.name(self._plan.frames[job.frame]) in self._spoiled:
            return Spoiled(job.frame, "painted over")
        red = job.start.picture.getpixel((0, 0))[0] + 1 if isinstance(job.start, FromPicture) else 0
        return Drawn(job.frame, Image.new("RGB", self._size, (red, job.frame % 256, job.seed % 256)))

    no_room = ()
    """How often there is no room when it wakes, as a list of so many whatevers."""

    def rest(self):
        assert not self._in_flight
        self.resting = True
        return True

    def wake(self):
        if self.no_room:
            self.no_room.pop()
            raise ModelError("there is no room")
        self.resting = False

    def close(self):
        self.closed = True
