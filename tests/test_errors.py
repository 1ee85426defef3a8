"""Other programs' messages, as one line of ours."""

from sframes_tui.errors import LONGEST, ConfigError, StoryError, message_of


def test_a_message_of_many_lines_is_told_whole():
    said = "LMSDiscreteScheduler requires the scipy library.\nYou can install it with pip: `pip install\nscipy`.\n"
    assert message_of(ImportError(said)) == (
        "LMSDiscreteScheduler requires the scipy library. You can install it with pip: `pip install scipy`."
    )


def test_what_says_nothing_is_called_by_its_kind_and_what_says_too_much_is_cut():
    assert message_of(ValueError(" \n ")) == "ValueError"
    long = message_of(ValueError("many words\n" * 1000))
    assert len(long) == 600
    assert long.endswith("…")


def test_a_sentence_is_one_line_whatever_it_quotes():
    assert str(StoryError("a\nb\u2028c")) == "a b c"
    told = ConfigError("x" * 10**6 + ": take it away", "and\nmore").problems
    assert [len(told[0]), told[1]] == [LONGEST, "and more"]
    assert told[0].endswith("x: take it away")
