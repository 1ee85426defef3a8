"""Runs killed by SIGKILL again and again, resumed to the end, and compared byte for byte with unbroken ones.

    python -m tests.torture --kills 200 --every 1 --model 200

`--kills`: at random moments. `--every N`: at every N-th moment before a call that changes the disk, and half-way
through writing a line of the journal. `--journals`: finished runs' journals cut, filled with NULs or robbed of a bit.
`--model`: at random moments of the whole program with the built-in model.
Every run that is killed is a process of its own, forked from this one, which never draws and has no threads.
"""

import argparse
import itertools
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from functools import partial
from pathlib import Path

# Loaded once, for all forked processes.
from diffusers import AutoencoderTiny, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline  # noqa: F401
from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

from sframes_tui import batch  # noqa: F401
from sframes_tui.cli import main
from sframes_tui.config.file import load_config
from sframes_tui.errors import SFramesError
from sframes_tui.plan.draft import make_draft
from sframes_tui.run import redraw
from sframes_tui.run.events import Control
from sframes_tui.run.execute import execute, go_on
from sframes_tui.run.record.journal import NAME, Reader
from sframes_tui.run.record.past_run import open_run
from tests.run.story_run import ChainEngine, pictures, write_config

OPTIONS = {
    "plain": "",
    "grids only": "save_individual = false",
    "variants, grids of the run": 'variants = 2\ngrid_scope = "run"',
    "cycled styles": "cycle_styles = true\ninterleave = false",
    "two rows": "rows = 2",
    "failed base, last good": 'on_failed_base = "last_good"',
    "failed base, stop": "retry_bad = 1",
}
CALLS = ("write", "fsync", "replace", "rename", "link", "unlink", "ftruncate", "mkdir")
"""Of the module os: what a run changes the disk by."""


def engine_for(draft):
    failing = ["oil 0-2"] if draft.config.generation_config.on_failed_base == "last_good" else []
    times = {"chalk 0-1": 2} if draft.config.generation_config.retry_bad else {}
    return ChainEngine(draft.plan, times, spoiled=failing, pinned=True)


def begin(config, root):
    draft = make_draft(load_config(config))
    execute(draft, engine_for, root, lambda _: None, Control())


def resume(folder):
    go_on(folder, engine_for, lambda _: None, Control())


def redo(folder):
    request = redraw.Request(redraw.find_frames(open_run(folder).plan, "0-0:oil"), descendants="redraw")
    redraw.redraw(folder, request, engine_for, lambda _: None, Control())


def choose(folder):
    redraw.choose(folder, redraw.find_frames(open_run(folder).plan, "0-0:oil"), 0, lambda _: None)


def forked(action):
    """Does something in a process of its own; returns its number."""
    process = os.fork()
    if process:
        return process
    code = 3
    try:
        action()
        code = 0
    except SFramesError as error:
        print(error, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def done(action):
    """Does something in a process of its own, whole."""
    _, status = os.waitpid(forked(action), 0)
    assert status == 0, f"{action} ended with {status}"


def killed_after(action, seconds, begun=lambda: True):
    """Does something in a process of its own that is killed so long after it has `begun`; whether it was before it
    ended by itself.
    """
    process = forked(action)
    descriptor = os.pidfd_open(process)
    while not begun() and not select.select([descriptor], [], [], 0.002)[0]:
        pass
    select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert status in (0, signal.SIGKILL), f"{action} ended with {status}"
    return status == signal.SIGKILL


class Fuse:
    """Kills its process before the n-th call that changes the disk; a journal's line is written by half."""

    def __init__(self, calls):
        self.left = calls
        for name in CALLS:
            setattr(os, name, partial(self._call, getattr(os, name), name))

    def _call(self, real, name, *arguments, **options):
        self.left -= 1
        if self.left == 0:
            if name == "write":
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)


def fused(action, calls):
    Fuse(calls)
    action()


def killed_at(action, calls):
    return killed_after(partial(fused, action, calls), 600)


class Story:
    """One configuration, and what its unbroken run holds."""

    def __init__(self, place, options):
        self.config = write_config(place, options)
        self._place, self._runs = place, 0
        started = time.monotonic()
        whole = self.new_root()
        done(partial(begin, self.config, whole))
        self.seconds = time.monotonic() - started
        self.folder = folder_in(whole)
        self.whole = pictures(self.folder)

    def new_root(self):
        self._runs += 1
        return self._place / str(self._runs)


def folder_in(root):
    """The run folder below a root; None where the run was killed before it had one."""
    return next((path.parent for path in root.rglob("run.toml")), None)


def is_whole(journal):
    """Whether every line of a journal counts."""
    reader = Reader(journal)
    deque(reader, 0)
    return reader.offset == journal.stat().st_size


def check(folder, wanted, counts):
    """What a run holds that was resumed to its end."""
    counts["resumed to the end"] += 1
    if pictures(folder) != wanted:
        counts["DIFFERENT BYTES"] += 1
        print(f"different: {folder}", {name for name, data in pictures(folder).items() if wanted.get(name) != data})
    if list((folder / ".sframes").glob("*.tmp")):
        counts["LEFTOVERS"] += 1
    if not is_whole(folder / NAME):
        counts["BAD JOURNALS"] += 1


def look(folder, counts):
    """What a kill left behind."""
    counts["half-written files left by a kill"] += len(list((folder / ".sframes").glob("*.tmp")))
    journal = folder / NAME
    if journal.exists() and not is_whole(journal):
        counts["torn journals left by a kill"] += 1


def at_random(stories, kills, counts, dice):
    while counts["kills"] < kills:
        story = dice.choice(stories)
        root = story.new_root()
        counts["kills"] += killed_after(partial(begin, story.config, root), dice.uniform(0, story.seconds))
        folder = folder_in(root)
        if folder is None:
            counts["killed before there was a run"] += 1
            continue
        look(folder, counts)
        while dice.random() < 0.5 and counts["kills"] < kills:
            counts["kills"] += killed_after(partial(resume, folder), dice.uniform(0, story.seconds))
            look(folder, counts)
        done(partial(resume, folder))
        check(folder, story.whole, counts)


def at_every_call(story, every, counts, dice):
    """Kills a run, its resuming, a redrawing and a choosing at each moment in turn."""
    first = dice.randrange(1, every + 1)
    for calls in range(first, 10_000, every):
        root = story.new_root()
        if not killed_at(partial(begin, story.config, root), calls):
            break
        counts["kills"] += 1
        if folder := folder_in(root):
            look(folder, counts)
            counts["kills"] += killed_at(partial(resume, folder), dice.randrange(1, 60))
            done(partial(resume, folder))
            check(folder, story.whole, counts)
    for action in (redo, choose):
        later_kills(story, action, first, every, counts)


def later_kills(story, action, first, every, counts):
    """The same for what is done to a finished run: afterwards it is as before, or as without the kill."""
    wanted = None
    for calls in range(first, 10_000, every):
        root = story.new_root()
        done(partial(begin, story.config, root))
        folder = folder_in(root)
        if action is choose:
            done(partial(redo, folder))
        before = pictures(folder)
        if wanted is None:
            done(partial(action, folder))
            wanted = pictures(folder)
            continue
        ended = not killed_at(partial(action, folder), calls)
        counts["kills"] += not ended
        done(partial(resume, folder))
        check(folder, before if pictures(folder) == before else wanted, counts)
        if ended:
            break


def with_the_model(place, kills, counts, dice):
    """The whole program with the built-in model, killed at random once there is a run; every second time its resuming
    too.
    """
    config = write_config(place, "width = 64\nheight = 64\nrows = 2")
    config.write_text(config.read_text().replace("num_inference_steps = 10", "num_inference_steps = 4"))
    started = time.time()
    done(partial(program, config, "--batch", "--output", place / "whole"))
    ended, folder = time.time(), folder_in(place / "whole")
    begun, whole = (folder / "run.toml").stat().st_ctime, pictures(folder)
    name = "kills of the program with the model"
    for number in itertools.takewhile(lambda _: counts[name] < kills, itertools.count()):
        root = place / str(number)
        drawn = partial(program, config, "--batch", "--output", root)
        counts[name] += killed_after(drawn, dice.uniform(0, ended - begun), partial(folder_in, root))
        folder = folder_in(root)
        look(folder, counts)
        resumed = partial(program, "resume", folder, "--batch")
        if number % 2 and counts[name] < kills:
            counts[name] += killed_after(resumed, dice.uniform(0, ended - started))
            look(folder, counts)
        done(resumed)
        check(folder, whole, counts)


def with_bad_journals(story, number, counts, dice):
    """A finished run's journal is cut, filled with NULs, or loses a bit, anywhere."""
    root = story.new_root()
    done(partial(begin, story.config, root))
    folder = folder_in(root)
    journal = folder / NAME
    whole = journal.read_bytes()
    for turn in range(number):
        journal.write_bytes(harmed(whole, turn, dice))
        done(partial(resume, folder))
        counts["journals cut, filled or flipped"] += 1
        check(folder, story.whole, counts)


def harmed(data, turn, dice):
    place = dice.randrange(len(data))
    if turn % 3 == 0:
        return data[:place]
    if turn % 3 == 1:
        return data[:place] + bytes(len(data) - place)
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]


def program(*words):
    """The whole program, as its own process would run it; what it says is nobody's."""
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    code = main(list(map(str, words)))
    assert code == 0, f"exit code {code}"


def run():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--journals", type=int, default=150)
    parser.add_argument("--every", type=int, default=1, help="0: none of these")
    parser.add_argument("--model", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    counts, dice = Counter(), random.Random(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sframes-torture-") as place:
        stories = [Story(Path(place, str(number)), options) for number, options in enumerate(OPTIONS.values())]
        at_random(stories, arguments.kills, counts, dice)
        with_bad_journals(stories[0], arguments.journals, counts, dice)
        if arguments.every:
            at_every_call(stories[0], arguments.every, counts, dice)
        with_the_model(Path(place, "model"), arguments.model, counts, dice) if arguments.model else None
    for words, count in sorted(counts.items()):
        print(f"{count:6}  {words}")
    bad = [words for words in counts if words.isupper()]
    print("every resumed run holds the same bytes as an unbroken one" if not bad else "FAILED")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(run())
