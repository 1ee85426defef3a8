"""`python -m training.evaluate`: how well pictures follow prompts that were never trained on.

Scenes are drawn by lot beyond the training seeds and told in sentences of this module's own. The attribute
reader then says what it finds in the generated pictures, beside what it finds in drawings of the same scenes
(its own ceiling) and in the generated pictures of other prompts (chance).
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from training import data
from training.autoencoder import round_trip
from training.draw import STYLE_TEXTS, draw, load
from training.reader import load_reader, read
from training.scene import NO_WEATHER, STYLES, Scene, draw_lot
from training.scenes import render
from training.text import ATTRIBUTES, attributes
from training.words import PLACE_WORDS, SKY_CLAUSES, TIME_WORDS

LARGE = (
    "house",
    "tower",
    "castle",
    "sailboat",
    "tree",
    "fire",
    "gate",
    "lighthouse",
    "temple",
    "pine",
    "space gate",
)
LIGHTS = ("sun", "moon", "stars", "clouds", "rain", "rainbow")
SETTINGS = ("mountains", "town")
_PLACE = {name: i for i, name in enumerate(ATTRIBUTES)}


def held_out(count: int) -> list[Scene]:
    """Scenes beyond the training seeds with one subject each; styles in turn."""
    scenes = (draw_lot(data.HELD_OUT + i, 0.0) for i in range(count))
    return [replace(scene, style=STYLES[i % len(STYLES)], backdrop="none") for i, scene in enumerate(scenes)]


def prompt(scene: Scene) -> str:
    """The scene in a sentence that the captions don't make, with the style as the program writes it."""
    lot = Random(scene.seed)
    parts = [lot.choice(TIME_WORDS[scene.time]).capitalize()] if scene.ground not in NO_WEATHER else ["Here"]
    place = PLACE_WORDS[scene.ground][0]
    if scene.subject:
        colour = f"{scene.colour} " if scene.colour else ""
        parts.append(f"we came {place} and found {colour}{scene.subject}")
    else:
        parts.append(f"there was nobody {place}")
    parts += [SKY_CLAUSES[thing][0] for thing in scene.sky]
    parts += ["flowers"] if scene.flowers else []
    return ", ".join(parts) + ". " + STYLE_TEXTS[STYLES.index(scene.style)]


Table = dict[str, float]


def judge(found: torch.Tensor, scenes: list[Scene]) -> Table:
    """The reader's logits (n, attributes) against the scenes that were asked for: shares in 0..1."""
    truth = torch.stack([attributes(scene) for scene in scenes]).bool()
    said = found > 0
    told = torch.tensor([scene.ground not in NO_WEATHER and scene.style != "line" for scene in scenes])
    table = {
        "style": _chosen(found, truth, "style "),
        "time": _chosen(found[told], truth[told], "time "),
        "ground": _chosen(found, truth, "ground "),
    }
    for kind, names in (("sky", LIGHTS), ("subject", LARGE), ("ground", SETTINGS)):
        for name in names:
            place = _PLACE[f"{kind} {name}"]
            table[f"{name} found"] = _share(said[truth[:, place], place])
            table[f"{name} false"] = _share(said[~truth[:, place], place])
    places = [_PLACE[f"subject {name}"] for name in LARGE]
    table["large subjects found"] = _share(said[:, places][truth[:, places]])
    table["large subjects false"] = _share(said[:, places][~truth[:, places]])
    return table


def _chosen(found: torch.Tensor, truth: torch.Tensor, kind: str) -> float:
    """Share of pictures whose likeliest attribute of a kind is the right one."""
    places = [i for i, name in enumerate(ATTRIBUTES) if name.startswith(kind)]
    return _share(found[:, places].argmax(1) == truth[:, places].float().argmax(1))


def _share(flags: torch.Tensor) -> float:
    return float(flags.float().mean()) if len(flags) else math.nan


def pixel_rules(pictures: list[NDArray[np.uint8]], scenes: list[Scene]) -> Table:
    """Mean brightness of days and nights in colour styles, mean saturation of charcoal and cyberpunk; all
    0..1.
    """
    values = np.stack(pictures).astype(np.float32) / 255
    bright = values.mean(axis=(1, 2, 3))
    top = values.max(axis=-1)
    rich = ((top - values.min(axis=-1)) / np.maximum(top, 1e-3)).mean(axis=(1, 2))
    outside = np.array([scene.ground not in NO_WEATHER for scene in scenes])
    colour = np.array([scene.style not in ("charcoal", "line") for scene in scenes]) & outside
    time = np.array([scene.time for scene in scenes])
    style = np.array([scene.style for scene in scenes])
    return {
        "mean brightness of days": float(bright[colour & (time == "day")].mean()),
        "mean brightness of nights": float(bright[colour & (time == "night")].mean()),
        "mean saturation of charcoal": float(rich[style == "charcoal"].mean()),
        "mean saturation of cyberpunk": float(rich[style == "cyberpunk"].mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=data.FOLDER, help="where the reader's checkpoint lies")
    parser.add_argument("--model", type=Path, default=Path("sframes_tui/picturebook"))
    parser.add_argument("--count", type=int, default=480)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--table", type=Path, help="write the table as JSON too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scenes, reader, pipe = held_out(options.count), load_reader(options.folder), load(options.model)
    real = np.stack([render(scene) for scene in scenes])
    texts, seeds = [prompt(scene) for scene in scenes], [scene.seed for scene in scenes]
    drawn = draw(pipe, texts, seeds, steps=options.steps, guidance=options.guidance)
    found = read(reader, np.stack(drawn))
    turned = Random(0).sample(scenes, len(scenes))
    columns = {
        "generated": judge(found, scenes) | pixel_rules(drawn, scenes),
        "real": judge(read(reader, real), scenes) | pixel_rules(list(real), scenes),
        "shuffled": judge(found, turned),
        "autoencoder": {"dB": round_trip(pipe.vae, real)},
    }
    _print(columns)
    if options.table:
        options.table.write_text(json.dumps(columns, indent=1), encoding="utf-8")


def _print(columns: dict[str, Table]) -> None:
    print(f"autoencoder {columns['autoencoder']['dB']:.2f} dB")
    print(f"{'':30}{'generated':>10}{'real':>10}{'shuffled':>10}")
    for name in columns["generated"]:
        row = "".join(f"{columns[column].get(name, math.nan):10.3f}" for column in ("generated", "real", "shuffled"))
        print(f"{name:30}{row}")


if __name__ == "__main__":
    main()
