"""What a hostile terminal answers, types and clicks."""

from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key, Paste, Resize

from sframes_tui.printable import printable
from sframes_tui.ui.fenced.input import LONGEST, MOST_CELLS, AnswerFilter, _SoundParser, typed_keys
from sframes_tui.ui.terminal.abilities import judge
from sframes_tui.ui.terminal.questions import understand
from tests.fuzz.held import fuzzed, held

# fmt: off
PIECES = st.sampled_from([
    b"\x1b_Gi=31;OK\x1b\\", b"\x1bP>|kitty(0.40)\x1b\\", b"\x1b[6;20;10t", b"\x1b[?62;4c", b"\x1b[6;99999;99999t",
    b"\x1b[6;0;0t", b"\x1b[<0;99999999999;1M", b"\x1b[<0;1;", b"\x1b[200~", b"\x1b[201~", b"\x1b[M\xff\xff\xff",
    b"\x1b", b"\x1b_G", b"\x1bP>|", b"\x1b[?", b"\x1b]52;c;", b"\x1b[6;", b"\x1b_G" + b"x" * 900, b"9" * 5000,
    b"\x1b[?1;2;c", b"\x1b[?2026;2$y", b"\x1b[I", b"\x1b[O", b"\x1b[1;99999999999R", b"\x1b[99999999999u",
    b"\x1b[1114112u", b"\x1b[55296u", b"\x1b[48;0;0;0;0t", b"\x1b[48;99999;99999;1;1t", b"\x1b[<35;-1;-1m",
]) | st.binary(max_size=20)
# fmt: on
ANSWERS = st.lists(PIECES, max_size=12).map(b"".join)


@fuzzed(200)
@given(ANSWERS)
def test_answers(data):
    heard = held(lambda: understand(data))
    known = held(lambda: judge(heard, {"TERM": "xterm-256color"}, None))
    assert 2 <= known.cell.width <= 200
    assert len(heard.typed) <= 1000
    held(lambda: typed_keys(heard.typed))


@fuzzed(200)
@given(st.lists(ANSWERS, max_size=6))
def test_input_in_pieces(pieces):
    """Nothing is held back for good, and never much."""
    now = [0.0]
    answers = AnswerFilter(lambda: now[0])
    for piece in pieces:
        held(lambda piece=piece: answers.feed(piece.decode(errors="replace")))
        assert len(answers._held) <= LONGEST
    now[0] = 10.0
    held(answers.overdue)
    assert answers.feed("") == ""


@fuzzed(80)
@given(st.lists(ANSWERS, max_size=6))
def test_input_as_the_screen_gets_it(pieces):
    parser = _SoundParser()
    for piece in filter(None, pieces):
        for message in held(lambda piece=piece: [*parser.feed(piece.decode(errors="replace")), *parser.tick()]):
            if isinstance(message, Resize):
                assert 0 < message.size.width <= MOST_CELLS
            elif isinstance(message, Key):
                assert not message.character or message.character.encode()


@fuzzed(200)
@given(
    st.text(alphabet="a\n\x1b[]201~\x12\u202e\x9b", max_size=60).filter(lambda text: "\x1b[201~" not in text), st.data()
)
def test_what_is_pasted_presses_no_keys(text, data):
    """However it comes in pieces."""
    whole = f"k\x1b[200~{text}\x1b[201~k"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    parser = _SoundParser()
    messages = [message for piece in pieces if piece for message in parser.feed(piece)]
    assert [message.character for message in messages if isinstance(message, Key)] == ["k", "k"]
    assert "".join(message.text for message in messages if isinstance(message, Paste)) == printable(text)
