"""Shards of drawn scenes on disk: pictures as uint8, their scenes as JSON; later their latents beside them.

A shard is written whole or not at all, so any process may be cut off at any time.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.scene import Scene, draw_lot

FOLDER = Path(os.environ.get("PICTUREBOOK", Path.home() / "picturebook"))
"""Where shards and checkpoints lie unless a command says otherwise."""
SHARD = 1000
"""Scenes in a shard."""
HELD_OUT = 10_000_000
"""Seeds from here on are never trained on."""


def shard_scenes(number: int, variety: float) -> list[Scene]:
    """The scenes of a shard; its number settles their seeds."""
    return [draw_lot(number * SHARD + i, variety) for i in range(SHARD)]


def write_shard(folder: Path, number: int, scenes: list[Scene], render: Callable[[Scene], NDArray[np.uint8]]) -> None:
    """Draw one shard into `scenes-NNNNN.npy` (len(scenes), 128, 128, 3) and `scenes-NNNNN.json`."""
    home = folder / "scenes"
    home.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(scene) for scene in scenes])
    (home / f"scenes-{number:05}.json").write_text(text, encoding="utf-8")
    save_array(home / f"scenes-{number:05}.npy", np.stack([render(scene) for scene in scenes]))


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write beside the place and move there: a half-written file never has the name."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, array)
    part.replace(path)


def shard_paths(folder: Path) -> list[Path]:
    """The finished shards' pictures, in order."""
    return sorted((folder / "scenes").glob("scenes-*.npy"))


def read_scenes(shard: Path) -> list[Scene]:
    """The scenes of one shard, in the order of its pictures."""
    rows = json.loads(shard.with_suffix(".json").read_text(encoding="utf-8"))
    return [Scene(**{**row, "sky": tuple(row["sky"])}) for row in rows]
