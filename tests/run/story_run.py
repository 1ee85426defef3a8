"""A small story on disk, drawn into a run folder by an engine whose pictures tell what they were drawn from."""

import hashlib

from PIL import Image

from sframes_tui.config.file import load_config
from sframes_tui.engine.protocol import Drawn, FromPicture, Spoiled
from sframes_tui.plan.draft import make_draft
from sframes_tui.run.events import Control
from sframes_tui.run.execute import execute, go_on
from tests.run.paint import PaintEngine

CONFIG = """[prompt_config]
source = "story.txt"
chapter_split_regex = '(?m)^Chapter \\d+'

[generation_config]
model = "builtin:picturebook"
num_inference_steps = 10
seed = 1
{options}

[[style_configs]]
style = "in oil"
file_tag = "oil"
weight = 0.5

[[style_configs]]
style = "in chalk"
file_tag = "chalk"
weight = 0.7
"""
STORY = "Chapter 1 The Sea\na boat\na wave\na rope\nChapter 2 The Hill\na tree\na goat\n"


class ChainEngine(PaintEngine):
    """Every picture is a hash of all that it was drawn from, its base's pixels included."""

    def __init__(self, plan, spoiled_times=None, **engine):
        super().__init__(plan, **engine)
        self._times = dict(spoiled_times or {})

    def _outcome(self, job):
        name = self._plan.name(self._plan.frames[job.frame])
        if self._times.get(name):
            self._times[name] -= 1
            return Spoiled(job.frame, "all black", by_chance=True)
        outcome = super()._outcome(job)
        if not isinstance(outcome, Drawn):
            return outcome
        strength, base = None, b""
        if isinstance(job.start, FromPicture):
            strength, base = job.start.strength, job.start.picture.tobytes()
        colour = hashlib.sha256(repr((job.look.prompt, job.seed, strength)).encode() + base).digest()[:3]
        return Drawn(job.frame, Image.new("RGB", self._size, tuple(colour)))


def write_config(folder, options="", story=STORY):
    """The path of a configuration file beside its story."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "story.txt").write_text(story)
    path = folder / "small.toml"
    path.write_text(CONFIG.format(options=options if "rows" in options else f"{options}\nrows = 1"))
    return path


class Watch:
    """Keeps events, and stops the run once a given number of pictures is saved."""

    def __init__(self, stop_after=None):
        self.events, self.control, self._left = [], Control(), stop_after

    def emit(self, event):
        self.events.append(event)
        if type(event).__name__ == "FrameCompleted" and self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.control.stop.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def draw(config, root, stop_after=None, **engine):
    """Draws a configuration below `root`; returns the run folder and what was told."""
    watch = Watch(stop_after)
    draft = make_draft(load_config(config))
    execute(draft, lambda draft: ChainEngine(draft.plan, **engine), root, watch.emit, watch.control)
    return next(path.parent for path in root.rglob("run.toml")), watch


def resume(folder, stop_after=None, **engine):
    watch = Watch(stop_after)
    go_on(folder, lambda draft: ChainEngine(draft.plan, **engine), watch.emit, watch.control)
    return watch


def pictures(folder):
    """Name -> bytes of all that the finished run shows."""
    shown = [path for path in sorted(folder.rglob("*.png")) if ".sframes" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in shown}
