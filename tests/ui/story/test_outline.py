"""What rows say of a run, and what a filter finds."""

import pytest

from sframes_tui.plan.plan import make_plan
from sframes_tui.run.state import DONE, DRAWING, FAILED, SKIPPED, STALE, Marks, RunState
from sframes_tui.text.split import Chapter, Story
from sframes_tui.ui.story.outline import Look, Outline, fold_case, search
from sframes_tui.ui.story.tree_rows import Row
from tests.config.test_leave_out import leaving_out
from tests.plan.test_plan import DDIM, config, story


def outline(*items, marks=None, **options):
    """Two styles, chapters of three and two prompts; `marks` by frame."""
    plan = make_plan(leaving_out(*items, **options), story(3, 2), DDIM, 1)
    drawn = Marks.planned(len(plan.frames))
    for frame, mark in (marks or {}).items():
        drawn = drawn.with_mark(frame, mark)
    return Outline.of_plan(plan, RunState(frames=len(plan.frames), marks=drawn))


def test_a_rows_frames_are_its_prompts_also_around_gaps_and_in_every_variant():
    for items in ([], ["0-1"], ["0-0", "1-0"], ["1"]):
        shown = outline(*items, variants=2)
        for variant in range(2):
            for chapter, count in enumerate((3, 2)):
                for prompt in range(count):
                    row = shown.row(variant, chapter, prompt)
                    frames = [shown.plan.frames[number] for number in shown.frames(row)]
                    assert [shown.row_of(frame) for frame in frames] == [row] * (0 if shown.is_left_out(row) else 2)
                whole = shown.frames(shown.row(variant, chapter, None))
                assert list(whole) == [f.number for f in shown.plan.chapter_frames(variant, chapter)]


@pytest.mark.parametrize(
    ("marks", "prompt", "chapter"),
    [
        ({}, Look.PLANNED, Look.PLANNED),
        ({0: DRAWING}, Look.DRAWING, Look.DRAWING),
        ({0: DONE}, Look.BEGUN, Look.BEGUN),
        ({0: DONE, 1: DONE}, Look.DONE, Look.BEGUN),
        (dict.fromkeys(range(6), DONE), Look.DONE, Look.DONE),
        ({0: DONE, 1: FAILED}, Look.FAILED, Look.FAILED),
        ({0: DONE, 1: SKIPPED, 5: DRAWING}, Look.SKIPPED, Look.DRAWING),
        ({0: DONE, 1: STALE}, Look.STALE, Look.STALE),
    ],
)
def test_a_look_is_the_most_telling_of_its_pictures(marks, prompt, chapter):
    shown = outline(marks=marks)
    assert shown.look(Row(0, 0)) is prompt
    assert shown.look(Row(0)) is chapter
    assert shown.look(Row(1)) is Look.PLANNED


def test_what_is_left_out_looks_so_and_has_no_pictures():
    shown = outline("0-1", "1", marks={2: DONE})
    assert [shown.look(Row(0, each)) for each in range(3)] == [Look.PLANNED, Look.LEFT_OUT, Look.BEGUN]
    assert shown.look(Row(1)) is Look.LEFT_OUT
    assert shown.marks(Row(1)) == b""
    assert shown.left(0) == 1


def test_failed_pictures_are_walked_forwards_backwards_and_around():
    shown = outline(marks={1: FAILED, 2: FAILED, 9: FAILED})
    rows, row = [], Row(0)
    for _ in range(4):
        row = shown.next_with(FAILED, row, 1)
        rows.append(row)
    assert rows == [Row(0, 0), Row(0, 1), Row(1, 1), Row(0, 0)]
    assert shown.next_with(FAILED, Row(0, 0), -1) == Row(1, 1)
    assert shown.next_with(FAILED, Row(1, 1), -1) == Row(0, 1)
    assert outline().next_with(FAILED, Row(0), 1) is None


TALE = Story("k", (Chapter("The Sea", ("A boat", "straße [/x]")), Chapter("Hills", ("the BOAT shed", "a tree"))))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("boat", {0: [0], 1: [0]}),
        ("Boat THE", {1: [0]}),
        ("sea", {0: [0, 1]}),
        ("STRASSE", {0: [1]}),
        ("[/x]", {0: [1]}),
        ("1-1", {1: [1]}),
        ("1-7", {}),
        ("nothing", {}),
    ],
)
def test_a_filter_finds_all_its_words_in_any_case_and_whole_chapters_by_title(query, expected):
    found = search(fold_case(TALE), 1, query)
    assert {s: list(p) for s, p in zip(found.sections, found.prompts, strict=True)} == expected
    assert found.count == sum(map(len, expected.values()))
    assert list(search(fold_case(TALE), 3, query).sections) == [2 * v + s for v in range(3) for s in expected]


def test_a_plan_of_one_style_needs_no_state():
    shown = Outline.of_plan(make_plan(config(1), story(2), DDIM, 1))
    assert shown.look(Row(0)) is Look.PLANNED
    assert shown.next_with(FAILED, Row(0), 1) is None
