"""A stranger's model folder: its files are read as files, within bounds, and no link leads out of it."""

import os

import pytest

from sframes_tui.errors import ModelError
from sframes_tui.model import files as model_files
from sframes_tui.model.files import check_files, read_json
from sframes_tui.model.source import ModelSource, cached_snapshot
from sframes_tui.plan.identity import model_fingerprint


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "unet" / "config.json").write_text('{"sample_size": 8}')
    return folder


def refuse(folder, said):
    with pytest.raises(ModelError, match=said) as caught:
        check_files(folder, "it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["unet/config.json", "notice.txt", "vae", "unet/model.safetensors"])
def test_no_link_leads_out_of_a_model_folder(folder, tmp_path, name):
    (tmp_path / "secret").write_text("{}")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "secret")
    refuse(folder, f"{name} is a link, which could lead elsewhere; put the file itself there")


@pytest.fixture
def snapshot(folder, tmp_path):
    """The folder as the hub's client keeps it: each file a link into `blobs`."""
    repository = tmp_path / "hub" / "models--me--it"
    (repository / "blobs").mkdir(parents=True)
    (repository / "snapshots").mkdir()
    snapshot = folder.rename(repository / "snapshots" / "0123abc")
    for number, name in enumerate(("model_index.json", "unet/config.json")):
        (snapshot / name).rename(repository / "blobs" / f"{number}")
        (snapshot / name).symlink_to(os.path.relpath(repository / "blobs" / f"{number}", (snapshot / name).parent))
    return snapshot


def test_the_hubs_cache_of_links_is_read(snapshot, tmp_path, monkeypatch):
    check_files(snapshot, "it")
    assert read_json(snapshot / "unet" / "config.json", "it") == {"sample_size": 8}
    monkeypatch.chdir(tmp_path / "hub")
    assert read_json(snapshot.relative_to(tmp_path / "hub") / "model_index.json", "it") == {}


@pytest.mark.parametrize("where", ["/etc/passwd", "../../../other/blobs/0", "../../blobs/../../secret", "config.json"])
def test_a_forged_cache_leads_nowhere(snapshot, where):
    (snapshot / "unet" / "config.json").unlink()
    (snapshot / "unet" / "config.json").symlink_to(where)
    refuse(snapshot, "unet/config.json is a link")
    with pytest.raises(ModelError, match=r"config.json can't be read: it is a link, which could lead elsewhere"):
        read_json(snapshot / "unet" / "config.json", "it")


@pytest.mark.parametrize("forged", ["blobs", "a blob"])
def test_blobs_that_are_links_themselves_lead_nowhere(snapshot, tmp_path, forged):
    blobs = snapshot.parent.parent / "blobs"
    moved = tmp_path / "elsewhere"
    link = blobs if forged == "blobs" else blobs / "1"
    link.rename(moved)
    link.symlink_to(moved)
    refuse(snapshot, r"\w+.json is a link")


def test_a_snapshot_that_is_a_link_is_read_as_the_libraries_read_it(snapshot, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "snapshots" / "0123abc"
    elsewhere.parent.mkdir(parents=True)
    (tmp_path / "elsewhere" / "blobs").mkdir()
    (tmp_path / "elsewhere" / "blobs" / "0").write_text('{"another": "file"}')
    snapshot.rename(elsewhere)
    snapshot.symlink_to(elsewhere)
    with pytest.raises(ModelError, match="it is a link"):
        read_json(snapshot / "model_index.json", "it")


def test_what_the_libraries_read_whole_is_bounded(folder):
    for name in ("merges.txt", "spiece.model", "tokenizer.json"):
        with (folder / name).open("wb") as file:
            file.truncate(model_files.TEXT_LIMIT + 1)
        refuse(folder, f"{name} has 40,000,001 bytes, more than any such file of a model")
        (folder / name).unlink()
    with (folder / "unet" / "model.safetensors").open("wb") as file:
        file.truncate(2**33)
    check_files(folder, "it")


def test_folders_in_folders_and_files_without_number_are_refused(folder, monkeypatch):
    (folder / "/".join("abcdefghijklmn")).mkdir(parents=True)
    refuse(folder, "a/b/c/d/e/f/g/h/i/j/k/l/m lies in too many folders")
    monkeypatch.setattr(model_files, "MAX_FILES", 3)
    refuse(folder, "it has more than 3 files")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", "holds no JSON object"),
        ("{", "can't be read"),
        ('{"a": ' + "[" * 100_000, "can't be read"),
        ('{"a": ' + "9" * 5000 + "}", "can't be read"),
        ("\ud800", "can't be read"),
    ],
)
def test_json_that_is_none_is_one_sentence(folder, content, said):
    (folder / "model_index.json").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(ModelError, match=f"model_index.json {said}"):
        read_json(folder / "model_index.json", "it")


def test_a_pipe_in_a_configurations_place_hangs_nobody(folder):
    (folder / "model_index.json").unlink()
    os.mkfifo(folder / "model_index.json")
    with pytest.raises(ModelError, match="not a plain file"):
        read_json(folder / "model_index.json", "it")


@pytest.mark.parametrize("revision", ["../../../secret", "/etc/hostname", "refs/../../x", "a\0b", "-x", ""])
def test_a_revision_is_no_path(revision):
    with pytest.raises(ModelError, match="can't be a branch, tag or commit of the hub"):
        cached_snapshot("me/it", revision)


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/pr/1", "fp16", "0123abc", None])
def test_branches_tags_and_commits_are_revisions(revision):
    assert cached_snapshot("nobody/has-this", revision) is None


def test_a_fingerprint_tells_nothing_of_what_a_link_leads_to(folder, tmp_path):
    (tmp_path / "secret").write_text("{}")
    (folder / "vae.json").symlink_to(tmp_path / "secret")
    before = model_fingerprint(ModelSource("it", "folder", folder))
    (tmp_path / "secret").write_text("{1}")
    assert model_fingerprint(ModelSource("it", "folder", folder)) == before
