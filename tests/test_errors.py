"""Other programs' messages, as one line of ours."""

from sframes_tui.errors import message_of


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
