"""Sixel and kitty graphics decoded independently, the way the strictest terminals do."""

import base64
import io
import re
from functools import lru_cache

from PIL import Image

SIXEL = re.compile(rb"\x1b\[(\d+);(\d+)H\x1bP[\d;]*q([^\x1b]*)\x1b\\")
TOKEN = re.compile(
    rb'"(?P<raster>[\d;]+)|#(?P<define>\d+;2;\d+;\d+;\d+)|#(?P<choose>\d+)|!(?P<run>\d+[?-~])|(?P<one>[?-~$-])'
)


def sixel_pictures(output):
    """((row, column), picture) of each sixel drawing in a terminal's input; rows and columns count from 0."""
    return [((int(row) - 1, int(column) - 1), _sixel(data)) for row, column, data in SIXEL.findall(output)]


@lru_cache(100)
def _sixel(data):
    """As xterm 379 does it: a definition alone doesn't choose its colour."""
    picture, pixels, colours, colour, x, y = None, None, {}, None, 0, 0
    for match in TOKEN.finditer(data):
        kind, text = match.lastgroup, match[match.lastgroup]
        if kind == "raster":
            picture = Image.new("RGB", tuple(map(int, text.split(b";")[2:4])), (255, 0, 255))
            pixels = picture.load()
        elif kind == "define":
            number, _, *percents = map(int, text.split(b";"))
            colours[number] = tuple(round(percent * 255 / 100) for percent in percents)
        elif kind == "choose":
            colour = colours[int(text)]
        elif text == b"$":
            x = 0
        elif text == b"-":
            x, y = 0, y + 6
        else:
            count = int(text[:-1]) if kind == "run" else 1
            for column in range(x, x + count):
                for bit in range(6):
                    if text[-1] - 63 >> bit & 1:
                        pixels[column, y + bit] = colour
            x += count
    return picture


MESSAGE = re.compile(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\")
PLACEHOLDERS = re.compile(r"38;2;(\d+);(\d+);(\d+)[\d;]*m((?:\U0010eeee[\u0300-\U0001d244]{3})+)")


class Kitty:
    """What kitty would have of its input so far."""

    def __init__(self, output):
        self.pictures, self.placements, self.deleted = {}, {}, []
        under_way, data = None, b""
        for control, payload in MESSAGE.findall(output):
            keys = dict(pair.split(b"=", 1) for pair in control.split(b",") if pair)
            action = keys.get(b"a", b"t")
            if action == b"q":
                continue
            if action == b"d":
                self.deleted.append(int(keys[b"i"]))
            elif action == b"p":
                assert keys[b"U"] == b"1", "only placeholders survive in a text screen"
                assert under_way is None, "a command between the pieces of a picture"
                self.placements[int(keys[b"i"])] = (int(keys[b"c"]), int(keys[b"r"]))
            else:
                assert len(payload) <= 4096
                assert (b"i" in keys) == (under_way is None), "pieces of two pictures are mixed"
                under_way, data = (int(keys[b"i"]), b"") if b"i" in keys else (under_way, data)
                data += payload
                if keys[b"m"] == b"0":
                    self.pictures[under_way] = Image.open(io.BytesIO(base64.b64decode(data)))
                    under_way = None
        self.rows = {}
        for red, green, blue, cells in PLACEHOLDERS.findall(output.decode("utf-8", "replace")):
            number = int(red) << 16 | int(green) << 8 | int(blue)
            self.rows.setdefault(number, []).append(len(cells) // 4)

    @property
    def complete(self):
        """Whether every line of every picture that is shown has arrived."""
        return all(len(rows) >= self.placements[number][1] for number, rows in self.rows.items())
