"""The checks before the first frame, each a line; and what is refused by them."""

import pytest

from sframes_tui.errors import DiskError
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.drawing import amount, check_disk, check_model, check_story
from sframes_tui.run.record.disk import RESERVE, RESERVE_BYTES
from sframes_tui.run.record.tree import Tree
from tests.plan.test_plan import DDIM, config, story
from tests.run.paint import PaintEngine
from tests.run.record.small_disk import fill, small_disk


@pytest.fixture
def plan():
    return make_plan(config(3), story(3, 2), DDIM, 1)


def test_text_and_model_are_told_of(plan):
    told = []
    check_story(plan, told.append)
    engine = PaintEngine(plan)
    check_model(engine, told.append)
    engine.probe = lambda: "it is tired"
    check_model(engine, told.append)
    assert [(each.level, each.text.split(", in ")[0]) for each in told] == [
        ("info", "checked the text: 2 chapters, 5 prompts"),
        ("info", "checked the model: one step gives finite numbers"),
        ("warning", "checked the model: it is tired"),
    ]


def test_a_disk_with_space_keeps_a_reserve_and_one_with_little_is_warned_of(tmp_path, plan):
    told, facts = [], PaintEngine(plan).facts
    with small_disk(tmp_path / "disk", 3000) as folder:
        check_disk(Tree(folder), 10, facts, told.append)
        assert (folder / RESERVE).stat().st_size == RESERVE_BYTES
        check_disk(Tree(folder), 100_000, facts, told.append)
    assert [each.level for each in told] == ["info", "warning"]
    assert told[0].text.startswith("checked the disk: about 5.1 kB for 10 pictures and their grids, ")
    assert told[1].text.endswith("when it is full the run waits for space")


def test_a_disk_that_takes_nothing_is_refused_in_one_sentence(tmp_path, plan):
    facts = PaintEngine(plan).facts
    with small_disk(tmp_path / "disk", 2000) as folder:
        fill(folder, left=100)
        with pytest.raises(DiskError, match=r"nothing can be written there: No space left on device; make space or"):
            check_disk(Tree(folder), 1, facts, pytest.fail)
        assert not (folder / RESERVE).exists()


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (64_000_000, "64 MB"), (3 * 10**15, "3000 TB")],
)
def test_amounts_are_said_as_people_do(size, said):
    assert amount(size) == said
