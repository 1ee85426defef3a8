"""Captions name what is in the scene, in many ways."""

from dataclasses import replace
from random import Random

from training.captions import caption
from training.scene import SUBJECTS, Scene, draw_lot, on_rock
from training.words import NAMES, PLACE_NAMES, PLACE_WORDS, STYLE_WORDS

SCENE = Scene(seed=1, style="charcoal", time="night", ground="sea", subject="lighthouse", colour="white", sky=("moon",))


def told(scene: Scene, thrift: float = 0.0) -> list[str]:
    return [caption(scene, Random(seed), thrift).lower() for seed in range(60)]


def test_the_subject_the_place_and_the_style_are_named() -> None:
    names = [*NAMES["lighthouse"]]
    places = [word.lower() for word in (*PLACE_WORDS["sea"], *PLACE_NAMES["sea"])]
    styles = [part for words in STYLE_WORDS["charcoal"] for part in words.split()]
    for text in told(SCENE):
        assert any(name in text for name in names), text
        assert any(place in text for place in places), text
        assert any(style in text for style in styles), text


def test_the_same_lot_tells_the_same_and_another_tells_another() -> None:
    assert caption(SCENE, Random(4)) == caption(SCENE, Random(4))
    assert len(set(told(SCENE))) > 50


def test_thrift_makes_captions_shorter() -> None:
    full, thrifty = told(SCENE), told(SCENE, thrift=0.9)
    assert sum(map(len, thrifty)) < 0.9 * sum(map(len, full))


def test_a_photograph_by_day_may_leave_both_unsaid() -> None:
    plain = replace(SCENE, style="photograph", time="day", sky=())
    words = {
        "photo",
        "photograph",
        "photography",
        "photorealistic",
        "day",
        "noon",
        "daylight",
        "daytime",
        "sky",
    }
    assert any(not words & set(text.replace(",", " ").replace(".", " ").split()) for text in told(plain))


def test_captions_have_no_loose_commas_or_spaces() -> None:
    for seed in range(300):
        text = caption(draw_lot(seed, 1.0), Random(seed))
        assert "  " not in text, text
        assert ",," not in text, text
        assert ".," not in text, text
        assert " ," not in text, text
        assert text == text.strip()


def test_what_stands_in_the_sea_is_told_with_its_rock() -> None:
    def rocks(ground: str, subject: str) -> int:
        scene = replace(SCENE, ground=ground, subject=subject, sky=())
        return sum("rock" in text for text in told(scene))

    assert rocks("sea", "lighthouse") > 25
    assert rocks("beach", "lighthouse") == 0


def test_rocks_are_under_what_neither_swims_nor_flies() -> None:
    on_water = {kind for kind in SUBJECTS if on_rock(kind, "sea")}
    assert {"lighthouse", "house", "tree"} <= on_water
    assert not {"sailboat", "whale", "bird", "spaceship"} & on_water
    assert not any(on_rock(kind, "meadow") for kind in SUBJECTS)
