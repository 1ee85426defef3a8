"""One model in memory, kept for the next engine: what it draws there, when it is loaded anew, and that it goes."""

import gc
import shutil
import threading
import weakref

import pytest
import torch

from sframes_tui.config.file import load_config
from sframes_tui.engine import models
from sframes_tui.engine.model_cache import ModelCache
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Drawn
from sframes_tui.errors import ModelError
from sframes_tui.plan.draft import make_draft
from tests.engine import tiny
from tests.engine.device.test_memory import refuse_more_than
from tests.engine.drawing import job_of

CONFIG = """
prompt_config = {{ source = "story.txt" }}
generation_config = {{ model = '{model}', num_inference_steps = 4, width = 32, height = 32, seed = 1 }}
style_configs = [{{ style = "in oil", file_tag = "oil", weight = 0.5 }}]
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {"sd": tiny.tiny_sd(root / "sd", "DDIM"), "sd3": tiny.tiny_sd3(root / "sd3")}


@pytest.fixture
def draft(folders, tmp_path):
    """Makes drafts of one small story for a model, with other options."""

    def make(model="sd", **options):
        (tmp_path / "story.txt").write_text("the red boat\n")
        path = tmp_path / "small.toml"
        path.write_text(CONFIG.format(model=folders.get(model, model)))
        return make_draft(load_config(path, [(f"generation_config.{name}", value) for name, value in options.items()]))

    return make


@pytest.fixture
def loads(monkeypatch):
    """The models that were loaded, each as a reference that doesn't hold it."""
    loaded, load = [], models.load_model

    def watched(*given):
        assert not [ref for ref in loaded if ref() is not None], "the one before is still there"
        made = load(*given)
        text = made.pipelines.text
        loaded.append(weakref.ref(getattr(text, "unet", None) or text.transformer))
        return made

    monkeypatch.setattr(models, "load_model", watched)
    return loaded


@pytest.fixture
def uncollected():
    """Only what is let go of is freed: a cycle would keep the model."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def draw(engine, rows=1):
    """One picture from noise and one from that, as bytes; whatever else a run asks of an engine is asked before."""
    engine.fit(["the red boat"], "in oil")
    engine.probe()
    engine.call_seconds(rows)
    engine.use_rows(rows)
    first = advanced(engine, job_of())
    return first.tobytes(), advanced(engine, job_of(1, "a dark storm", 12, first, 0.6)).tobytes()


def advanced(engine, job):
    engine.admit(job)
    while not (outcomes := [each for each in engine.advance(id, threading.Event()) if isinstance(each, Drawn)]):
        pass
    return outcomes[0].picture


KINDS = [("sd", "auto", 2, "batched"), ("sd3", "auto", 2, "grouped"), ("sd", "reference", 1, "reference")]


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(("model", "engine", "rows", "name"), KINDS)
def test_a_closed_engine_frees_its_weights(draft, loads, model, engine, rows, name):
    wanted = draft(model, engine=engine)
    for _ in range(2):
        made = load_engine(wanted.config.generation_config, wanted.model)
        assert made.facts.engine == name
        draw(made, rows)
        made.close()
        assert loads.pop()() is None


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(("model", "engine", "rows", "name"), KINDS)
def test_a_kept_model_is_loaded_once_and_let_go_before_another_is_loaded(draft, loads, model, engine, rows, name):
    cache = ModelCache()
    assert cache.facts is None
    for kept in (False, True):
        made = cache.engine_for(draft(model, engine=engine))
        assert (made.facts.kept, made.facts.engine) == (kept, name)
        draw(made, rows)
        made.close()
    assert len(loads) == 1
    assert cache.facts == made.facts
    cache.engine_for(draft("sd3" if model == "sd" else "sd")).close()
    assert len(loads) == 2
    cache.let_go()
    assert (cache.facts, loads[1]()) == (None, None)


OTHERS = [
    {"width": 48, "height": 32, "vae_tiling": True, "vae_slicing": True},
    {"scheduler": "EulerAncestralDiscrete", "num_inference_steps": 7},
    {"guidance_scale": 3.0, "negative_prompt": "fog", "engine": "reference"},
    {"guidance_scale": 1.0, "eta": 1.0, "deterministic": False},
]


def test_over_a_kept_model_the_same_bytes_are_drawn_whatever_was_drawn_between(draft, loads):
    plain = [draft(), draft(engine="reference")]
    expected = []
    for wanted in plain:
        engine = load_engine(wanted.config.generation_config, wanted.model)
        expected.append(draw(engine))
        engine.close()
    cache, seen = ModelCache(), []
    for wanted in [*plain, *(draft(**options) for options in OTHERS), *plain]:
        engine = cache.engine_for(wanted)
        seen.append(draw(engine))
        engine.close()
    assert seen[:2] == seen[-2:] == expected
    assert not set(seen[2:-2]) & set(expected)
    assert len(loads) == 3


def test_what_an_engine_did_when_memory_ran_out_is_not_done_for_the_next(draft, loads):
    cache = ModelCache()
    made = cache.engine_for(draft(width=64, height=64))
    expected = draw(made)
    made.close()
    short = cache.engine_for(draft(width=64, height=64))
    vae, hook = short.pipelines.text.vae, refuse_more_than(0, short.pipelines)
    short.admit(job_of())
    while not vae.use_tiling:
        short.advance(id, threading.Event())
    # The ladder's last rung, which is for a GPU alone.
    short.pipelines.text.enable_model_cpu_offload(device="cpu")
    hook.remove()
    short.close()
    made = cache.engine_for(draft(width=64, height=64))
    assert not vae.use_tiling
    assert not hasattr(vae, "_hf_hook")
    assert draw(made) == expected
    assert len(loads) == 1


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"offload": "model"}, {"device": "cpu"}, {"revision": "x"}])
def test_another_number_format_or_place_loads_it_anew(draft, loads, change):
    cache = ModelCache()
    cache.engine_for(draft()).close()
    cache.engine_for(draft(**change)).close()
    assert len(loads) == 2


def test_a_model_whose_files_were_replaced_is_loaded_anew(draft, loads, folders, tmp_path):
    model, cache = shutil.copytree(folders["sd"], tmp_path / "model"), ModelCache()
    cache.engine_for(draft(model)).close()
    weights = next((model / "unet").glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    cache.engine_for(draft(model)).close()
    assert len(loads) == 2


UNFIT = {"scheduler": "FlowMatchEulerDiscrete"}


def test_a_configuration_that_does_not_fit_the_model_costs_no_load(draft, loads):
    cache = ModelCache()
    for _ in range(2):
        with pytest.raises(ModelError):
            cache.engine_for(draft(**UNFIT))
    cache.engine_for(draft()).close()
    assert len(loads) == 1


def test_without_its_files_no_model_is_kept(draft, loads, tmp_path, folders):
    model, cache = shutil.copytree(folders["sd"], tmp_path / "model"), ModelCache()
    cache.engine_for(draft()).close()
    wanted = draft(model)
    shutil.rmtree(model / "unet")
    with pytest.raises(ModelError):
        cache.engine_for(wanted)
    assert cache.facts is None
    assert [ref() for ref in loads] == [None]


def test_small_models_draw_with_one_thread_and_leave_the_others_theirs(draft):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted = draft()
        first, second = (load_engine(wanted.config.generation_config, wanted.model) for _ in range(2))
        assert "1 threads" in first.facts.hardware
        first.close()
        assert torch.get_num_threads() == 1
        second.close()
        assert torch.get_num_threads() == 2
        with pytest.raises(ModelError):
            load_engine(draft(**UNFIT).config.generation_config, wanted.model)
        assert torch.get_num_threads() == 2
        cache, seen = ModelCache(), []

        def run():
            engine = cache.engine_for(wanted)
            seen.append(torch.get_num_threads())
            engine.close()

        for work in (run, run, lambda: seen.append(torch.get_num_threads())):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert seen == [1, 1, 2]
    finally:
        torch.set_num_threads(before)
