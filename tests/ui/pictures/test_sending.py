"""What pictures cost on the way: how much is sent, when, and how often one is made."""

import threading

import pytest
from PIL import Image

from sframes_tui.ui.pictures import shop as shop_module
from sframes_tui.ui.pictures.painting import Painting, Space, fit, paint
from sframes_tui.ui.pictures.sender import BYTES_A_TICK_SLOW, KEPT_IN_TERMINAL, Pace, Sender
from sframes_tui.ui.pictures.shop import PaintShop, Recent
from sframes_tui.ui.terminal.abilities import CellSize
from tests.ui.pictures.decoders import Kitty

CELL = CellSize(8, 16)


def noise(seed, side=256):
    return Image.effect_noise((side, side), 40 + seed).convert("RGB")


def kitty_painting(seed):
    return paint(noise(seed), Space(20, 10, CELL, "kitty", slow=True))


class Line:
    """Keeps what it is sent; takes nothing while it is `behind`."""

    def __init__(self):
        self.sent, self.behind = [], False

    def write(self, text):
        if not self.behind:
            self.sent.append(text)
        return not self.behind

    @property
    def output(self):
        return "".join(self.sent).encode()


def test_a_slow_line_gets_a_picture_in_pieces_that_leave_room_for_keys():
    line, ticks, done = Line(), 0, []
    sender = Sender(line.write, slow=True)
    painting, other = kitty_painting(1), kitty_painting(2)
    sender.send(painting, lambda: done.append(painting))
    sender.send(other, lambda: done.append(other))
    while len(done) < 2:
        before = len(line.output)
        sender.tick()
        ticks += 1
        assert len(line.output) - before <= BYTES_A_TICK_SLOW + 4200
    assert ticks > 4
    assert list(Kitty(line.output).pictures) == [painting.number, other.number]
    assert sender.has(painting)


def test_a_line_that_is_behind_gets_every_piece_once_it_takes_them():
    line, done = Line(), []
    sender = Sender(line.write, slow=False)
    paintings = [paint(noise(seed, 512), Space(60, 30, CELL, "kitty")) for seed in range(4)]
    for painting in paintings:
        sender.send(painting, lambda painting=painting: done.append(painting))
    for turn in range(100):
        line.behind = turn % 3 > 0
        assert sender.tick() or len(done) == 4
    shown = Kitty(line.output).pictures
    assert list(shown) == [painting.number for painting in paintings]
    assert all(picture.load() for picture in shown.values()), "whole PNGs"


def test_kitty_is_told_to_forget_what_was_seen_long_ago():
    line = Line()
    sender = Sender(line.write, slow=False)
    paintings = [
        Painting("kitty", 1, 1, [], [], number=number, messages=["x"]) for number in range(KEPT_IN_TERMINAL + 1)
    ]
    for painting in paintings:
        sender.send(painting, lambda: None)
        sender.tick()
    sender.tick()
    assert not sender.has(paintings[0])
    assert sender.has(paintings[1])
    assert Kitty(line.output).deleted == [0]


def test_previews_stay_below_their_share_of_a_slow_line():
    now = 0.0
    pace = Pace(slow=True, clock=lambda: now)
    sent = 0
    for tick in range(100):
        now = tick / 10
        sent += 10_000 * pace.may_send(10_000)
    assert 250_000 <= sent <= 330_000, "30 KB a second for 10 seconds"


def test_what_is_kept_is_bounded():
    kept = Recent(2)
    made = []
    for key in "abac":
        kept.get(key, lambda key=key: made.append(key))
    kept.get("a", lambda: pytest.fail("was used last but one"))
    assert made == ["a", "b", "c"]


def test_the_newest_wish_for_a_place_wins_and_a_file_is_painted_once(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    noise(1).save(path)
    shop, held, begun, results = PaintShop(), threading.Event(), threading.Event(), []
    painted = []
    monkeypatch.setattr(shop_module, "paint", lambda picture, space: painted.append(space) or paint(picture, space))

    def slow():
        begun.set()
        held.wait()
        return noise(2)

    space, other = Space(20, 10, CELL, "halfcell"), Space(10, 5, CELL, "halfcell")
    shop.want_preview("first", slow, space, results.append)
    begun.wait()
    finished = threading.Event()
    shop.want_file("place", tmp_path / "none.png", space, results.append)
    shop.want_file("place", path, other, results.append)
    shop.want_file("again", path, other, results.append)
    shop.want_file("last", path, other, lambda result: (results.append(result), finished.set()))
    held.set()
    assert finished.wait(60)
    assert [result.columns for result in results] == [20, 10, 10, 10]
    assert painted == [space, other]
    shop.close()


@pytest.mark.parametrize(
    ("size", "space", "expected"),
    [
        ((512, 512), (40, 20), (40, 20)),
        ((512, 512), (40, 10), (20, 10)),
        ((1024, 512), (40, 20), (40, 10)),
        ((1, 10_000), (40, 20), (1, 20)),
        ((10_000, 1), (40, 20), (40, 1)),
        ((512, 512), (4000, 4000), (297, 148)),
    ],
)
def test_pictures_keep_their_proportions(size, space, expected):
    assert fit(size, Space(*space, CELL, "halfcell")) == expected
