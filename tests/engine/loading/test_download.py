"""Models from a hub that is this machine: what is fetched, how far it is, and what a broken or stopped one leaves."""

import shutil
import threading

import pytest
import torch
from huggingface_hub import constants

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.file import load_config
from sframes_tui.engine.loading.download import waited_for
from sframes_tui.engine.loading.hub import hub_folder, wanted_files
from sframes_tui.engine.loading.loading import load_model
from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError
from sframes_tui.model.source import locate_model
from sframes_tui.plan.draft import make_draft
from sframes_tui.run.describe import describe, download_words
from sframes_tui.run.events import Control, ModelDownload, RunCancelled, RunCompleted
from sframes_tui.run.execute import execute
from sframes_tui.run.state import RunState, fold
from tests.engine import tiny
from tests.engine.loading.hub_server import REPO, HubServer, use

UNET = "unet/diffusion_pytorch_model.safetensors"
HALF = "unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """In full and in half precision, but for the VAE, which is in full precision alone."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    pipe = tiny.sd_pipeline()
    pipe.save_pretrained(folder)
    pipe.to(torch.float16).save_pretrained(folder, variant="fp16")
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"never fetched")
    (folder / "unet" / "diffusion_pytorch_model.non_ema.safetensors").write_bytes(b"never fetched")
    (folder / "README.md").write_text("never fetched")
    return folder


@pytest.fixture
def hub(model, tmp_path, monkeypatch):
    with HubServer(model) as server:
        use(monkeypatch, server, tmp_path / "home")
        yield server


def config(**values):
    return GenerationConfig(model=REPO, num_inference_steps=2, **values)


def sent(hub):
    return {name for name, _ in hub.fetched}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_one_variant_is_fetched_and_loaded_in_the_format_wanted(hub, dtype):
    half = dtype != "float32"
    loaded = load_model(locate_model(REPO), config(dtype=dtype), getattr(torch, dtype))
    assert loaded.pipelines.text.unet.dtype == getattr(torch, dtype)
    weights = {name for name in sent(hub) if "safetensors" in name}
    assert weights == {
        HALF if half else UNET,
        "text_encoder/model.fp16.safetensors" if half else "text_encoder/model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    }
    assert not [name for name in sent(hub) if name.endswith((".bin", ".md"))]
    assert {"tokenizer/tokenizer.json", "unet/config.json", "scheduler/scheduler_config.json"} <= sent(hub)


def test_what_is_here_is_loaded_without_asking_again(hub, monkeypatch):
    load_engine(config()).close()
    hub.fetched.clear()
    hub.lost = True
    load_engine(config()).close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    load_engine(config()).close()
    assert hub.fetched == []


def test_how_far_it_is_is_told_up_to_the_whole(hub, capfd):
    told = []
    hub.holds = UNET
    stopped = threading.Event()

    def tell(done, total, rate):
        told.append((done, total, rate))
        if hub.half_sent.is_set() and done > hub.files[UNET].stat().st_size // 4:
            hub.go_on.set()

    with waited_for(tell, stopped.is_set):
        hub_folder(locate_model(REPO), config(), half=False)
    total = sum(hub.files[name].stat().st_size for name in sent(hub))
    assert {each[1] for each in told} == {total}
    assert [each[0] for each in told] == sorted(each[0] for each in told)
    assert all(0 <= done <= total and rate >= 0 for done, _, rate in told)
    assert 0 < told[-1][0] <= total
    assert capfd.readouterr() == ("", "")


def test_a_stop_ends_it_and_the_next_time_goes_on(hub):
    hub.holds = UNET
    with pytest.raises(KeyboardInterrupt), waited_for(lambda *_: None, hub.half_sent.is_set):
        hub_folder(locate_model(REPO), config(), half=False)
    hub.go_on.set()
    hub.holds = None
    for thread in threading.enumerate():
        if thread.name == "download":
            thread.join(60)
    folder = hub_folder(locate_model(REPO), config(), half=False)
    assert (folder / UNET).read_bytes() == hub.files[UNET].read_bytes()


def test_a_transfer_that_breaks_off_goes_on_from_there(hub):
    hub.breaks_off = UNET
    folder = hub_folder(locate_model(REPO), config(), half=False)
    assert (folder / UNET).read_bytes() == hub.files[UNET].read_bytes()
    first, second = (asked for name, asked in hub.fetched if name == UNET)
    assert first == ""
    assert second.startswith("bytes=")


def test_a_hub_that_dies_is_one_sentence_and_what_was_whole_stays(hub):
    hub.breaks_off, hub.dies = UNET, True
    with pytest.raises(ModelError) as caught:
        hub_folder(locate_model(REPO), config(), half=False)
    assert "\n" not in str(caught.value)
    assert 'model = "builtin:picturebook"' in str(caught.value)
    hub.lost = False
    hub.fetched.clear()
    folder = hub_folder(locate_model(REPO), config(), half=False)
    assert (folder / UNET).read_bytes() == hub.files[UNET].read_bytes()
    assert UNET in sent(hub)
    assert "model_index.json" not in sent(hub)


def test_a_variant_that_is_not_there_is_told_before_anything_is_fetched(hub):
    with pytest.raises(ModelError, match="no safetensors of the variant 'int8'; leave variant out"):
        hub_folder(locate_model(REPO), config(variant="int8"), half=False)
    assert sent(hub) == {"model_index.json"}


def test_a_part_that_is_pickles_alone_is_told(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "pickles")
    names = ["model_index.json", "vae/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.bin"]
    with pytest.raises(ModelError, match="its unet has its weights only as pickles"):
        wanted_files(folder, "x", names, None, half=True)


def test_shards_are_fetched_with_their_index(model):
    shards = [f"unet/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = "unet/diffusion_pytorch_model.safetensors.index.json"
    half = ["unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors"]
    half_index = "unet/diffusion_pytorch_model.safetensors.index.fp16.json"
    names = [*shards, index, *half, half_index, "unet/config.json", "text_encoder/model.safetensors"]
    assert {*wanted_files(model, "x", names, None, half=False)} >= {*shards, index, "unet/config.json"}
    assert not {*wanted_files(model, "x", names, None, half=False)} & {*half, half_index}
    assert {*wanted_files(model, "x", names, None, half=True)} >= {*half, half_index, "text_encoder/model.safetensors"}
    assert not {*wanted_files(model, "x", names, None, half=True)} & {*shards, index}


STORY = """
[prompt_config]
source = "story.txt"
[generation_config]
model = "somebody/tiny"
num_inference_steps = 2
width = 32
height = 32
[[style_configs]]
style = "in oil"
file_tag = "oil"
weight = 0.5
"""


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "story.txt").write_text("the red boat")
    (tmp_path / "story.toml").write_text(STORY)
    return make_draft(load_config(tmp_path / "story.toml"))


def run(draft, root, emit, control):
    execute(draft, lambda draft: load_engine(draft.config.generation_config, draft.model), root, emit, control)


@pytest.mark.usefixtures("hub")
def test_a_run_tells_of_its_models_download(draft, tmp_path):
    events, state, loading = [], RunState(), []

    def emit(event):
        nonlocal state
        events.append(event)
        state = fold(state, event, 0.0)
        if isinstance(event, ModelDownload):
            loading.append(download_words(state.download.done, state.download.total, state.download.rate))

    run(draft, tmp_path / "output", emit, Control())
    assert isinstance(events[-1], RunCompleted)
    assert all(words.startswith("downloading, ") for words in loading)
    assert loading
    assert state.download is None
    (log,) = (tmp_path / "output").rglob("run.log")
    assert log.read_text().count("downloading somebody/tiny, ") == 1


def test_a_run_that_is_stopped_while_its_model_comes_ends_in_a_sentence(draft, hub, tmp_path):
    hub.holds = UNET
    control, events = Control(), []

    def emit(event):
        events.append(event)
        if isinstance(event, ModelDownload) and hub.half_sent.wait(60):
            control.stop.set()

    run(draft, tmp_path / "output", emit, control)
    assert isinstance(events[-1], RunCancelled)
    assert describe(events[-1]) == ("warning", "stopped: 0 pictures drawn, 1 left")
    assert not [path for path in (tmp_path / "output").rglob("*") if path.is_file()]
