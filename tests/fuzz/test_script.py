"""What `convert` is given: the original script with anything in it."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.convert import convert
from tests.fuzz.held import fuzzed, held
from tests.fuzz.odd import VALUES, mutated
from tests.test_convert import SCRIPT

PIECES = st.sampled_from(
    ["-" * 3000, "(" * 500, "1+" * 3000, "9**9**9", "0x" + "f" * 9000, "f'{x}'", "lambda: 0", "b'x'"]
)


def read(script):
    made = held(lambda: convert(script))
    if made is not None:
        tomllib.loads(made[0])


@fuzzed(100)
@given(mutated(SCRIPT.encode()))
def test_bytes(data):
    read(data.decode(errors="surrogateescape"))


@fuzzed(100)
@given(st.sampled_from(["'episodes.txt'", "7.5", "True", "0.9", "[]", "'\\n'", "{"]), VALUES.map(repr) | PIECES)
def test_values(place, value):
    read(SCRIPT.replace(place, value))
