"""The rows of a tree, held against a plain list of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.ui.story.tree_rows import Found, Row, Rows

COUNTS = (3, 0, 2, 1)


def expected(counts, is_open):
    rows = []
    for section, count in enumerate(counts):
        rows.append(Row(section))
        rows += [Row(section, prompt) for prompt in range(count)] if is_open[section] else []
    return rows


def listed(rows):
    return [rows.at(line) for line in range(len(rows))]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8))
def test_rows_are_those_of_the_open_sections(folds):
    rows, is_open = Rows.of(COUNTS), [False] * 4
    for section, wanted in folds:
        rows.set_open(section, wanted)
        is_open[section] = wanted
        assert listed(rows) == expected(COUNTS, is_open)
        assert [rows.line(row) for row in listed(rows)] == list(range(len(rows)))
    hidden = [row for row in expected(COUNTS, [True] * 4) if row not in listed(rows)]
    assert all(rows.line(row) is None for row in hidden)


def test_all_sections_open_and_fold_at_once():
    rows = Rows.of(COUNTS)
    rows.set_all_open(True)
    assert rows.all_open
    assert len(rows) == 10
    assert Rows.of(COUNTS, rows.folds).at(9) == Row(3, 0)
    rows.set_all_open(False)
    assert listed(rows) == [Row(section) for section in range(4)]


def test_a_filter_leaves_what_was_found_unfolded():
    rows = Rows.filtered(Found([0, 2], [[0, 2], [1]]))
    assert listed(rows) == [Row(0), Row(0, 0), Row(0, 2), Row(2), Row(2, 1)]
    assert rows.line(Row(0, 1)) is None
    assert rows.line(Row(1)) is None
    assert rows.prompt_place(Row(0, 2)) == 1
    rows.set_open(0, False)
    rows.set_open(3, True)
    assert listed(rows) == [Row(0), Row(2), Row(2, 1)]


@pytest.mark.parametrize("line", [-1, 4])
def test_there_is_no_row_beyond_the_ends(line):
    with pytest.raises(IndexError):
        Rows.of(COUNTS).at(line)
    assert len(Rows.of(())) == 0
