"""What can be in a picture: the words of the little world, and how scenes are drawn by lot.

A `Scene` is everything that a caption may tell and that an attribute reader may find; the exact places and
shapes come from its `seed`. This module draws nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

STYLES = ("photograph", "charcoal", "line", "watercolor", "oil", "cyberpunk")
TIMES = ("dawn", "day", "sunset", "night", "storm")
GROUNDS = (
    "sea", "beach", "meadow", "desert", "mountains", "forest", "snow", "town", "city", "river", "ice", "room",
    "space", "darkness", "light",
)  # fmt: skip
SKIES = ("sun", "moon", "stars", "clouds", "rain", "snowfall", "rainbow", "lightning", "birds")
BACKDROPS = ("none", "hills", "mountains", "forest", "town")

OPEN = ("meadow", "desert", "mountains", "forest", "snow", "river", "beach")
GREEN = ("meadow", "forest", "river", "mountains")
WATER = ("sea", "river")
HOMES: dict[str, Sequence[str]] = {
    "house": ("meadow", "snow", "river", "beach", "mountains", "forest", "desert"),
    "lighthouse": ("sea", "sea", "beach", "ice", "snow", "meadow"),
    "tower": OPEN,
    "castle": ("mountains", "mountains", "meadow", "snow", "forest", "desert", "river"),
    "temple": ("desert", "desert", "meadow", "mountains", "snow", "beach"),
    "windmill": ("meadow", "river", "snow", "beach"),
    "sailboat": ("sea", "sea", "sea", "river", "beach"),
    "fishing boat": ("sea", "sea", "sea", "river", "beach"),
    "ship": ("sea", "sea", "ice"),
    "tree": (*GREEN, "desert", "snow", "town", "town"),
    "pine": ("snow", "mountains", "forest", "meadow", "river"),
    "palm": ("beach", "desert", "meadow"),
    "fruit tree": GREEN,
    "fire": ("beach", "snow", "desert", "meadow", "forest", "mountains", "darkness", "room", "town"),
    "gate": ("desert", "meadow", "mountains", "snow", "forest", "town", "town", "city", "space"),
    "space gate": ("space", "space", "space", "desert", "darkness"),
    "spaceship": ("space", "space", "space", "desert", "city", "sea"),
    "planet": ("space", "space", "darkness"),
    "person": (*OPEN, "room", "room", "town", "town", "city", "light"),
    "horse": (*GREEN, "desert", "snow", "beach", "town"),
    "sheep": ("meadow", "meadow", "mountains", "snow", "desert", "forest"),
    "cow": ("meadow", "meadow", "river", "mountains", "snow"),
    "deer": ("forest", "forest", "meadow", "snow", "mountains"),
    "whale": ("sea", "sea", "sea", "ice"),
    "fish": ("sea", "sea", "river"),
    "bird": ("sea", "meadow", "mountains", "desert", "forest", "snow", "beach"),
    "rock": ("sea", "beach", "desert", "meadow", "snow"),
    "flower": ("meadow", "river", "forest", "room"),
    "window": ("room",),
}
"""Every subject and the grounds that it is found on; one that is named twice is found there twice as
often."""

SUBJECTS = tuple(HOMES)
COMPANIONS = (
    "tree",
    "pine",
    "house",
    "person",
    "sheep",
    "horse",
    "cow",
    "fire",
    "lighthouse",
    "sailboat",
    "deer",
)
COLOURS: dict[str, Sequence[str]] = {
    "house": ("white", "red", "yellow", "blue", "brown"),
    "lighthouse": ("white", "white", "white", "red"),
    "tower": ("grey", "brown"),
    "castle": ("grey", "grey", "brown", "white"),
    "temple": ("white", "golden"),
    "sailboat": ("white", "white", "red"),
    "fishing boat": ("blue", "red", "green"),
    "horse": ("brown", "brown", "white", "black"),
    "sheep": ("white", "white", "black"),
    "cow": ("brown", "white"),
    "bird": ("white", "white", "black"),
    "person": ("brown", "red", "blue", "white"),
    "fish": ("golden", "red", "blue"),
    "flower": ("red", "yellow", "white"),
    "gate": ("golden", "grey"),
    "planet": ("red", "blue", "golden"),
}
"""The colours that a subject comes in; the first is the one that a caption need not name."""

SWIMMING = ("sailboat", "fishing boat", "ship", "whale", "fish")
FLYING = ("bird", "planet", "space gate", "spaceship", "window")
"""What hangs in the air or on a wall, and needs no ground."""
NO_WEATHER = ("room", "space", "darkness", "light")
HERDS = (
    "tree",
    "pine",
    "palm",
    "sheep",
    "cow",
    "horse",
    "deer",
    "fish",
    "person",
    "house",
    "sailboat",
    "bird",
)


@dataclass(frozen=True)
class Scene:
    """One picture in words; `seed` settles every place and shape that the words leave open."""

    seed: int
    style: str
    time: str
    ground: str
    backdrop: str = "none"
    sky: tuple[str, ...] = ()
    subject: str | None = None
    colour: str | None = None
    count: int = 1
    companion: str | None = None
    flowers: bool = False


def on_rock(kind: str | None, ground: str) -> bool:
    """Whether this subject stands on a rock there: on water, what neither swims nor flies."""
    return kind is not None and ground in ("sea", "ice") and kind not in (*SWIMMING, *FLYING)


def draw_lot(seed: int, variety: float) -> Scene:
    """The scene of a seed. `variety` in 0..1: how often there is more than one large subject in a plain
    place.
    """
    lot = Random(seed)
    subject = lot.choice(SUBJECTS) if lot.random() < 0.85 else None
    ground = lot.choice(HOMES[subject]) if subject else lot.choice(GROUNDS)
    time = "day" if ground in ("room", "light") else lot.choice(TIMES)
    if ground in ("space", "darkness"):
        time = "night"
    if ground == "room":
        time = lot.choice(("day", "day", "night", "sunset"))
    companions = [c for c in COMPANIONS if c != subject and ground in HOMES[c]]
    alone = subject is None or not companions or ground in NO_WEATHER or lot.random() > 0.4 * variety
    return Scene(
        seed=seed,
        style=lot.choice(STYLES),
        time=time,
        ground=ground,
        backdrop=_backdrop(lot, ground, variety),
        sky=_sky(lot, time, ground, variety),
        subject=subject,
        colour=lot.choice(COLOURS[subject]) if subject in COLOURS else None,
        count=lot.choice((2, 3)) if alone and subject in HERDS and lot.random() < 0.3 * variety else 1,
        companion=None if alone else lot.choice(companions),
        flowers=ground in ("meadow", "river") and lot.random() < 0.15 + 0.15 * variety,
    )


def _backdrop(lot: Random, ground: str, variety: float) -> str:
    """What closes the view behind the ground; mostly nothing, so that the subject stands free."""
    if lot.random() > 0.15 + 0.35 * variety:
        return "none"
    choices = {
        "meadow": ("hills", "mountains", "forest", "town"),
        "snow": ("hills", "mountains", "forest", "town"),
        "river": ("hills", "mountains", "forest", "town"),
        "beach": ("hills", "mountains", "town"),
        "sea": ("mountains", "hills", "town"),
        "ice": ("mountains",),
        "desert": ("hills", "mountains"),
    }
    return lot.choice(choices[ground]) if ground in choices else "none"


def _sky(lot: Random, time: str, ground: str, variety: float) -> tuple[str, ...]:
    """The things in the sky, at most one great light among them; few, so that each can be learnt."""
    if ground in NO_WEATHER:
        return ("stars",) if ground == "space" else ()
    chance = {
        "dawn": {"sun": 0.5, "clouds": 0.3, "rainbow": 0.15},
        "day": {"sun": 0.5, "clouds": 0.4, "rainbow": 0.2},
        "sunset": {"sun": 0.5, "clouds": 0.3},
        "night": {"moon": 0.5, "stars": 0.5, "clouds": 0.1},
        "storm": {"clouds": 0.3, "rain": 0.5, "lightning": 0.4},
    }[time]
    if ground == "city":
        chance["rainbow"] = 0.0  # the towers would hide it
    found = [thing for thing, odds in chance.items() if lot.random() < odds]
    if time != "storm" and lot.random() < 0.1 + 0.1 * variety:
        found.append("rain")
    if ground in ("snow", "ice", "mountains") and "rain" not in found and lot.random() < 0.2:
        found.append("snowfall")
    if time in ("dawn", "day", "sunset") and lot.random() < 0.1 + 0.1 * variety:
        found.append("birds")
    return tuple(found)
