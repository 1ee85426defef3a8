"""Captions: a scene told in a sentence or in key words, never twice the same way.

What a scene has by default (daylight, a photograph's natural colours, a house's white walls) is often left
unsaid, so that a prompt that leaves it unsaid gets it; everything else is nearly always named while training
is young.
"""

from random import Random

from training.scene import COLOURS, NO_WEATHER, Scene, on_rock
from training.words import (
    BACKDROP_CLAUSES,
    BACKDROP_OPENINGS,
    CALM,
    COLOUR_WORDS,
    COMPANY,
    FEATURES,
    FILLERS,
    FLOWER_CLAUSES,
    GROUND_SENTENCES,
    NAMES,
    PERCHES,
    PLACE_NAMES,
    PLACE_WORDS,
    PLURALS,
    PRAISE,
    SKY_CLAUSES,
    SKY_SENTENCES,
    STYLE_WORDS,
    TIME_WORDS,
    VERBS,
    VOYAGES,
)  # fmt: skip

NUMBERS = {2: ("two", "two", "a pair of", "some"), 3: ("three", "three", "many", "some")}


def caption(scene: Scene, lot: Random, thrift: float = 0.08) -> str:
    """One caption; `thrift` is the chance that any named thing is left out."""
    told = _sentence(scene, lot, thrift) if lot.random() < 0.75 else _key_words(scene, lot, thrift)
    return _with_style(scene, lot, told)


def _with_style(scene: Scene, lot: Random, told: str) -> str:
    """The style before, after or around the telling, among words of praise that mean nothing here."""
    if scene.style == "photograph" and lot.random() < 0.4:
        return told
    style = lot.choice(STYLE_WORDS[scene.style])
    words = [style, *lot.sample(PRAISE, lot.choice((0, 0, 0, 1, 1, 2, 3)))]
    if lot.random() < 0.1:
        words = " ".join(words).replace(",", "").split()
        if scene.style not in ("charcoal", "line"):
            lot.shuffle(words)
    elif lot.random() < 0.5:
        lot.shuffle(words)
    text = lot.choice((", ", " ", ", ")).join(words)
    kind = lot.random()
    if kind < 0.2:
        return f"{text} of {_lower(told)}"
    if kind < 0.35:
        return f"{text}, {told}"
    joint = lot.choice((". ", " ", ", ", " "))
    return f"{told.rstrip('.') if joint[0] in '.,' else told}{joint}{text}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _sentence(scene: Scene, lot: Random, thrift: float) -> str:
    """A sentence: who does what, where, when, under which sky; or the sky does something to the subject."""
    place = _perch(scene.subject, scene, lot) + lot.choice(PLACE_WORDS[scene.ground])
    rest = _clauses(scene, lot, thrift)
    if scene.subject is None:
        opening, place = _opening(scene, lot, place, rest)
    else:
        opening = named(scene, lot)
        if scene.sky and lot.random() < 0.3:
            opening = _under_sky(scene, lot, opening, rest)
        elif scene.ground in GROUND_SENTENCES and lot.random() < 0.12:
            opening, place = lot.choice(GROUND_SENTENCES[scene.ground]).format(thing=opening), ""
        elif lot.random() < 0.6 and scene.count == 1:
            opening = f"{opening} {lot.choice(_verbs(scene))}"
        if lot.random() < thrift and scene.ground not in NO_WEATHER:
            place = ""
    told = (
        f"{opening} {_company(scene, lot)} {place}"
        if lot.random() < 0.5
        else f"{opening} {place} {_company(scene, lot)}"
    )
    lead, clauses = _ordered(lot, rest)
    joined = " ".join([lead, told.strip()]) + "".join(clauses)
    text = " ".join(joined.replace(" ,", ",").split())
    return text[:1].upper() + text[1:] + lot.choice((".", ".", ""))


def _opening(scene: Scene, lot: Random, place: str, rest: list[str]) -> tuple[str, str]:
    """The beginning of a sentence about a place, and what is left of the place to tell."""
    if scene.backdrop == "none" or lot.random() < 0.5:
        return lot.choice(PLACE_NAMES[scene.ground]), ""
    rest[:] = [clause for clause in rest if clause not in BACKDROP_CLAUSES[scene.backdrop]]
    return lot.choice(BACKDROP_OPENINGS[scene.backdrop]), place


def _perch(kind: str | None, scene: Scene, lot: Random) -> str:
    """`on a rock `, mostly, where there is one under this subject."""
    if not on_rock(kind, scene.ground) or kind == "rock" or lot.random() < 0.3:
        return ""
    return f"{lot.choice(PERCHES)} "


def _verbs(scene: Scene) -> tuple[str, ...]:
    assert scene.subject is not None
    afloat = scene.ground == "sea" and scene.subject in ("sailboat", "fishing boat", "ship")
    return VERBS.get(scene.subject, ("stands", "is")) + (VOYAGES if afloat else ())


def _ordered(lot: Random, clauses: list[str]) -> tuple[str, list[str]]:
    """Shuffled clauses with commas or `and`; sometimes one of them leads the sentence."""
    lot.shuffle(clauses)
    lead = ""
    if clauses and lot.random() < 0.25:
        first = clauses.pop()
        lead = first + (lot.choice((",", " and")) if first.startswith(_WHOLE) else ",")
    joints = [lot.choice((", ", " ", " and ")) for _ in clauses]
    tail = [joint + clause for joint, clause in zip(joints, clauses, strict=True)]
    if lot.random() < 0.15:
        tail.append(f", {lot.choice(FILLERS)}")
    return lead, tail


_WHOLE = ("the ", "clouds g", "rain f", "stars s", "snow f", "it ", "a rainbow s", "lightning s", "birds f")
"""How clauses begin that could be sentences: `and` may follow them."""


def _clauses(scene: Scene, lot: Random, thrift: float) -> list[str]:
    """Time, sky, backdrop and flowers, each as a few words."""
    found: list[str] = []
    unsaid = {"day": 0.4}.get(scene.time, thrift)
    if (scene.ground not in NO_WEATHER and lot.random() > unsaid) or (scene.ground == "room" and scene.time != "day"):
        found.append(lot.choice(TIME_WORDS[scene.time]))
    quiet = 0.6 if scene.ground == "space" else thrift
    seen = [lot.choice(SKY_CLAUSES[thing]) for thing in scene.sky if lot.random() > quiet]
    found += [clause.format(place=lot.choice(PLACE_NAMES[scene.ground])) for clause in seen]
    if scene.backdrop != "none" and lot.random() > thrift * 2:
        found.append(lot.choice(BACKDROP_CLAUSES[scene.backdrop]))
    if scene.flowers and lot.random() > thrift:
        found.append(lot.choice(FLOWER_CLAUSES))
    clear = scene.ground not in NO_WEATHER and not {"rain", "clouds", "lightning"} & {*scene.sky}
    if clear and scene.time != "storm" and lot.random() < 0.08:
        found.append(lot.choice(CALM))
    return found


def _under_sky(scene: Scene, lot: Random, subject: str, rest: list[str]) -> str:
    """`Rain falls on the lighthouse`: the sky's thing leads, and is not told twice."""
    thing = lot.choice(scene.sky)
    said = {clause.split(" {")[0] for clause in SKY_CLAUSES[thing]}
    rest[:] = [clause for clause in rest if not any(clause.startswith(start) for start in said)]
    frame = lot.choice(SKY_SENTENCES[thing])
    return frame.format(thing=subject, Thing=subject[:1].upper() + subject[1:])


def named(scene: Scene, lot: Random) -> str:
    """The subject with its article, number and, unless it is the usual one, its colour."""
    kind = scene.subject
    assert kind is not None
    colour = ""
    if scene.colour and (scene.colour != COLOURS[kind][0] or lot.random() < 0.35):
        colour = lot.choice(COLOUR_WORDS[scene.colour]) + " "
    if scene.count > 1:
        return f"{lot.choice(NUMBERS[scene.count])} {colour}{lot.choice(PLURALS[kind])}"
    plain = lot.random() < 0.5
    name = NAMES[kind][0] if plain else lot.choice(NAMES[kind])
    article = lot.choice(("a", "a", "the"))
    if article == "a" and (colour or name)[0] in "aeiou":
        article = "an"
    return f"{article} {colour}{name}"


def _company(scene: Scene, lot: Random) -> str:
    """Who stands beside the subject, or else, now and then, how the subject looks."""
    if scene.companion is None:
        seen = FEATURES.get(scene.subject or "") if scene.count == 1 else None
        return lot.choice(seen) if seen and lot.random() < 0.15 else ""
    perch = _perch(scene.companion, scene, lot).rstrip()
    return lot.choice(COMPANY).format(other=f"a {lot.choice(NAMES[scene.companion])} {perch}".rstrip())


def _key_words(scene: Scene, lot: Random, thrift: float) -> str:
    """Names with commas between them, in any order."""
    words = _clauses(scene, lot, thrift)
    if scene.subject:
        name = named(scene, lot) if lot.random() < 0.6 else NAMES[scene.subject][0]
        words.append(f"{name} {_perch(scene.subject, scene, lot)}".rstrip())
    if scene.companion:
        words.append(lot.choice(NAMES[scene.companion]))
    words.append(lot.choice(PLACE_NAMES[scene.ground] + PLACE_WORDS[scene.ground]))
    lot.shuffle(words)
    return ", ".join(words)
