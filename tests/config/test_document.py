"""The edited configuration: values, problems, marks, undo, saving."""

import tomllib
from pathlib import Path

import pytest

from sframes_tui.config.document import Document
from sframes_tui.config.file import load_config
from sframes_tui.errors import ChangedOnDiskError, ConfigError
from sframes_tui.plan.draft import make_draft
from sframes_tui.plan.identity import Identities

TEXT = """# my story
[prompt_config] # what
source = 'a.txt'   # the text

[generation_config]
eta = 0.1   # the default, but said
seed = 3

# the soft one
[[style_configs]]
style = "soft"  # words
file_tag = "soft"
weight = 0.5
# end of soft

# the hard one
[[style_configs]]
style = "hard"
file_tag = "hard"
weight = 1 # all of it
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "story.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def document(path):
    return Document.open(path)


def test_opening_a_file_leaves_it_saved_valid_and_unmarked(document, path):
    assert not document.unsaved
    assert not document.changed
    assert not document.problems
    assert document.loaded == load_config(path)
    assert document.value("generation_config.seed") == 3
    assert document.value("generation_config.width") is None
    assert document.value("style_configs.1.weight") == 1


def test_a_change_is_marked_until_it_is_taken_back(document):
    changed = document.with_value("generation_config.seed", 4)
    assert changed.changed == {"generation_config.seed"}
    assert not changed.with_value("generation_config.seed", 3).unsaved
    assert changed.with_value("generation_config.eta", None).changed == {
        "generation_config.seed",
        "generation_config.eta",
    }
    assert document.with_value("generation_config.seed", True).changed == {"generation_config.seed"}


def test_each_problem_stands_at_its_option(document):
    wrong = document.with_value("generation_config.eta", 2.0).with_value("style_configs.1.weight", "much")
    assert set(wrong.problems) == {"generation_config.eta", "style_configs.1.weight"}
    assert "allowed: number from 0 to 1" in wrong.problems["generation_config.eta"]
    assert wrong.problem.startswith("generation_config.eta: ")
    assert wrong.loaded is None
    assert wrong.undone().undone().loaded == document.loaded


def test_typing_is_undone_as_one_change_and_settling_ends_it(document):
    typed = document
    for text in ("f", "fo", "fog"):
        typed = typed.with_value("generation_config.negative_prompt", text, typing=True)
    again = typed.settled().with_value("generation_config.negative_prompt", "fog!", typing=True)
    assert again.undone().value("generation_config.negative_prompt") == "fog"
    assert again.undone().undone().current == document.current
    assert again.undone().undone().undone() == again.undone().undone()
    assert again.undone().redone().current == again.current


def test_reverting_can_be_undone(document):
    changed = document.with_value("generation_config.seed", 9).without_style(0)
    assert not changed.reverted().unsaved
    assert changed.reverted().undone().current == changed.current


def test_saving_writes_what_changed_and_nothing_else(document, path):
    saved = document.with_value("generation_config.seed", 4).with_value("style_configs.0.weight", 0.75).save()
    assert path.read_text() == TEXT.replace("seed = 3", "seed = 4").replace("0.5", "0.75")
    assert not saved.unsaved
    assert saved.undone().changed == {"style_configs.0.weight"}
    assert Document.open(path).current == saved.current


def test_a_regex_is_written_as_a_person_would(document, path):
    document.with_value("prompt_config.chapter_split_regex", r"Gen\.\d+").save()
    assert r"chapter_split_regex = 'Gen\.\d+'" in path.read_text()


def test_an_emptied_option_leaves_the_file(document, path):
    document.with_value("generation_config.eta", None).save()
    assert "eta" not in path.read_text()
    assert "# my story" in path.read_text()


def test_comments_move_with_their_style(document, path):
    document.with_style_moved(0, 1).save()
    text = path.read_text()
    soft, hard = text.index('[[style_configs]]\nstyle = "soft"'), text.index('[[style_configs]]\nstyle = "hard"')
    assert text.index("# the hard one") < hard < text.index("# all of it") < text.index("# the soft one") < soft
    assert soft < text.index("# words") < text.index("# end of soft")
    assert text.startswith(TEXT[: TEXT.index("# the soft")])


def test_a_deleted_style_takes_its_comments_along(document, path):
    document.without_style(0).save()
    text = path.read_text()
    assert "soft" not in text
    assert text == TEXT[: TEXT.index("# the soft")] + TEXT[TEXT.index("# the hard") :]


def test_styles_are_added_copied_and_switched_off(document, path):
    edited = document.with_style_copied(0).with_style(0).with_value("style_configs.3.enabled", False)
    assert [style["file_tag"] for style in edited.styles] == ["new", "soft", "soft-2", "hard"]
    assert edited.changed == {"style_configs", "style_configs.0", "style_configs.2", "style_configs.3.enabled"}
    saved = edited.save()
    assert Document.open(path).styles == saved.styles
    assert path.read_text().count('# the hard one\n[[style_configs]]\nstyle = "hard"') == 1
    assert [style.file_tag for style in saved.loaded.config.with_enabled_styles().style_configs] == [
        "new",
        "soft",
        "soft-2",
    ]


def test_saving_keeps_the_comments_of_a_style_that_undo_brings_back(document, path):
    saved = document.with_style_moved(0, 1).save()
    assert saved.undone().save().styles == document.styles
    text = path.read_text()
    assert text.index("# the soft one") < text.index('"soft"') < text.index("# the hard one") < text.index('"hard"')


def test_a_header_in_a_quoted_text_is_no_style(tmp_path):
    path = tmp_path / "trap.toml"
    trap = TEXT.replace("seed = 3", 'negative_prompt = """\n[[style_configs]]\n# no comment\n"""')
    path.write_text(trap)
    document = Document.open(path).with_style_moved(1, 0)
    document = document.save()
    assert Document.open(path).styles == document.styles
    assert '"""\n[[style_configs]]\n# no comment\n"""' in path.read_text()


def test_styles_written_inline_are_saved_too(tmp_path):
    path = tmp_path / "inline.toml"
    path.write_text(
        "prompt_config = {source = 'a'}\n"
        "style_configs = [{style = 'x', file_tag = 'x', weight = 1}, {style = 'y', file_tag = 'y', weight = 1}]\n"
    )
    document = Document.open(path).with_style_moved(0, 1).with_style(0).with_value("generation_config.seed", 1).save()
    assert Document.open(path).current == document.current


def test_a_file_changed_meanwhile_is_only_overwritten_on_demand(document, path):
    path.write_text(TEXT.replace("seed = 3", "seed = 5"))
    changed = document.with_value("generation_config.seed", 4)
    with pytest.raises(ChangedOnDiskError, match="changed by another program"):
        changed.save()
    assert "seed = 5" in path.read_text()
    changed.save(overwrite=True)
    assert "seed = 4" in path.read_text()


def test_saving_as_keeps_what_a_relative_path_means(document, path, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "sub").mkdir()
    saved = document.save_as(tmp_path / "sub" / "copy.toml")
    assert saved.value("prompt_config.source") == str(tmp_path / "a.txt")
    assert saved.path == tmp_path / "sub" / "copy.toml"
    assert path.read_text() == TEXT
    with pytest.raises(ChangedOnDiskError, match="exists already"):
        document.save_as(tmp_path / "sub" / "copy.toml")


def test_what_cannot_be_saved_is_one_sentence_and_harms_nothing(document, path, tmp_path):
    for target in (tmp_path, tmp_path / "missing" / "x.toml", path / "x.toml", Path("a\0b")):
        with pytest.raises(ConfigError, match="can't be saved") as caught:
            document.save_as(target)
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="no text"):
        document.with_value("style_configs.0.style", "\ud800").save()
    assert path.read_text() == TEXT
    assert [*tmp_path.iterdir()] == [path]


def test_saving_follows_no_link_that_leads_out_of_the_folder(tmp_path):
    precious = tmp_path / "home" / "profile"
    precious.parent.mkdir()
    precious.write_text("export PATH\n")
    link = tmp_path / "link.toml"
    link.symlink_to(precious)
    document = Document.open(link).with_value("generation_config.seed", 4)
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match=f"it is a link to {precious}; open that, or save under another name"):
            document.save(overwrite=overwrite)
    assert precious.read_text() == "export PATH\n"


def test_a_saved_file_keeps_its_permissions_and_its_link(path, tmp_path):
    path.chmod(0o600)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    Document.open(link).with_value("generation_config.seed", 4).save()
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "seed = 4" in path.read_text()


def test_wrong_values_open_are_told_and_saved_as_they_are(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(TEXT.replace("seed = 3", "seed = 'x'\nstepz = 5").replace("weight = 0.5", "weight = 7"))
    document = Document.open(path)
    assert set(document.problems) == {
        "generation_config.seed",
        "generation_config.stepz",
        "style_configs.0.weight",
    }
    assert document.unknown == {"generation_config.stepz": 5}
    assert not document.unsaved
    document.with_value("generation_config.eta", 0.5).save()
    assert tomllib.loads(path.read_text())["generation_config"] == {"eta": 0.5, "seed": "x", "stepz": 5}
    cured = document.with_value("generation_config.stepz", None).with_value("generation_config.seed", 1)
    assert cured.with_value("style_configs.0.weight", 0.7).loaded is not None


@pytest.mark.parametrize(
    ("text", "seed", "styles"),
    [
        (TEXT.replace("seed = 3", "seed = = 3"), None, 2),
        (TEXT.replace("eta = 0.1 ", "eta 0.1"), 3, 2),
        (TEXT.replace('"hard"\nfile', '"hard\nfile'), 3, 2),
        (TEXT + 'x = """', 3, 2),
        (TEXT.replace("seed = 3", "seed = 3\nseed = 4"), 3, 2),
        (TEXT.replace("seed = 3", "progressive = true\nprogresive = true"), None, 2),
        ("\x00\x01 nothing", None, 0),
        ("", None, 0),
    ],
)
def test_a_broken_file_opens_as_far_as_it_can_be_read(tmp_path, text, seed, styles):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    document = Document.open(path)
    assert document.value("generation_config.seed") == seed
    assert len(document.styles) == styles
    assert document.problems
    assert "\n" not in document.problem
    assert document.loaded is None
    assert not document.unsaved
    saved = document.save()
    assert "" not in saved.problems
    assert tomllib.loads(path.read_text()) is not None


@pytest.mark.parametrize(
    "text", ["style_configs = 3", "[style_configs]\nstyle = 'x'", "prompt_config = 1", "style_configs = [1, 2]"]
)
def test_sections_of_the_wrong_shape_are_told_and_can_be_mended(tmp_path, text):
    path = tmp_path / "shape.toml"
    path.write_text(text)
    document = Document.open(path)
    assert document.problems
    style = {"style": "x", "file_tag": "x", "weight": 0.5}
    mended = document.with_value("prompt_config.source", "a.txt").with_style(0, style)
    assert mended.problems == {}
    assert Document.open(mended.save().path).loaded is not None


def test_all_styles_off_is_a_problem_that_says_what_to_do(document):
    off = document.with_value("style_configs.0.enabled", False).with_value("style_configs.1.enabled", False)
    assert "switch at least one on" in off.problems["style_configs"]
    assert "at least one style" in document.without_style(0).without_style(0).problem


def test_a_start_without_a_file_is_valid_untitled_and_saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = Document.starting()
    assert document.title == "untitled"
    assert document.loaded is not None
    assert not document.unsaved
    assert Path(document.value("prompt_config.source")).is_file()
    with pytest.raises(ConfigError, match="no name yet"):
        document.save()
    assert load_config(document.save_as(tmp_path / "mine.toml").path).config == document.loaded.config
    assert Document.starting(tmp_path / "none").problems.keys() == {"prompt_config.source"}


def test_overrides_are_unsaved_changes(path):
    document = Document.open(path, (("generation_config.progresive", False),))
    assert document.changed == {"generation_config.progressive"}
    assert not document.loaded.config.generation_config.progressive
    for place in ("style_configs.9.weight", "style_configs.x", "generation_config.eta.deep"):
        with pytest.raises(ConfigError, match="--set"):
            Document.open(path, ((place, 1),))


def test_a_new_key_stands_with_its_section_not_under_the_next_ones_comment(document, path):
    document.with_value("generation_config.width", 64).with_value("style_configs.0.enabled", False).save()
    text = path.read_text()
    assert "seed = 3\nwidth = 64\n\n# the soft one" in text
    assert "weight = 0.5\nenabled = false\n# end of soft\n" in text


def test_a_plan_draws_only_the_styles_that_are_on(tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("one\ntwo\n")
    path = tmp_path / "story.toml"
    path.write_text(TEXT)
    off = Document.open(path).with_value("generation_config.model", "builtin:picturebook")
    off = off.with_value("style_configs.0.enabled", False)
    draft, deleted = make_draft(off.loaded), make_draft(off.without_style(0).loaded)
    assert draft.plan.tags == ("hard",)
    assert draft.plan.frames == deleted.plan.frames
    assert Identities(draft.plan, "m").all() == Identities(deleted.plan, "m").all()
    assert draft.run_config(1)["style_configs"][0]["enabled"] is False
