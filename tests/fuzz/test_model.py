"""Models of strangers: every JSON file of a folder changed, looked over, and for a part of them loaded."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.loading.proportions import check_folder_proportions
from sframes_tui.engine.loading.vetting import check_folder
from sframes_tui.engine.models import load_engine
from sframes_tui.model.sampling import read_sampling
from sframes_tui.model.source import BUILTINS, locate_model
from tests.engine import tiny
from tests.fuzz.held import fuzzed, growth, held
from tests.fuzz.odd import VALUES, changed, mutated

KEYS = ["attn_implementation", "_attn_implementation", "auto_map", "quantization_config", "use_kernels", "_class_name"]
KEYS += ["tokenizer_class", "added_tokens_decoder", "sample_size", "num_train_timesteps", "norm_num_groups", "dtype"]
WORTHLESS = [
    "evil/kernel",
    "../../x",
    "os.system",
    10**12,
    2**31,
    -1,
    0,
    [[1]],
    {"a": "b"},
    None,
    "float128",
    [10**9] * 9,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tiny.tiny_sd(tmp_path_factory.mktemp("model") / "sd", "DDIM")
    # The libraries look at the machine the first time.
    load_engine(GenerationConfig(model=str(made), num_inference_steps=1, device="cpu")).close()
    return made


@pytest.fixture(scope="module")
def builtin(tmp_path_factory):
    return shutil.copytree(BUILTINS["picturebook"], tmp_path_factory.mktemp("builtin") / "picturebook")


def odd_file(folder):
    """One of a model's JSON files, and bytes to put in its place."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))

    def contents(name):
        whole = (folder / name).read_bytes()
        forged = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORTHLESS), min_size=1, max_size=2)
        content = json.loads(whole)
        if len(whole) > 20_000:  # a vocabulary: its values are all alike
            content = {key: value for key, value in content.items() if not isinstance(value, dict)} or {"a": 1}
            return mutated(whole)
        odd = changed(content, values=st.sampled_from(WORTHLESS) | VALUES) | forged.map(lambda more: content | more)
        return mutated(whole) | odd.map(lambda value: json.dumps(value).encode())

    return st.sampled_from(files).flatmap(lambda name: st.tuples(st.just(name), contents(name)))


class Changed:
    """A model's folder with one file changed, for a `with` block."""

    def __init__(self, folder, name, data):
        self.folder, self.path, self._data = folder, folder / name, data

    def __enter__(self):
        self._whole = self.path.read_bytes()
        self.path.write_bytes(self._data)
        return self.folder

    def __exit__(self, *_):
        self.path.write_bytes(self._whole)


def look_over(folder):
    source = held(lambda: locate_model(str(folder)))
    if source is not None:
        held(lambda: read_sampling(source, None, None))
        held(lambda: check_folder(folder, "x"))
        held(lambda: check_folder_proportions(folder, "x"))


@fuzzed(30)
@given(st.data())
def test_what_is_looked_at_before_loading(folder, builtin, data):
    chosen = data.draw(st.sampled_from([folder, builtin]))
    with Changed(chosen, *data.draw(odd_file(chosen))) as model:
        assert growth(lambda: look_over(model)) < 1_000_000_000


@fuzzed(8)
@given(st.data())
def test_loading(folder, data):
    """What the libraries make of it: an engine that draws, or a sentence."""
    with Changed(folder, *data.draw(odd_file(folder))) as model:
        config = GenerationConfig(model=str(model), num_inference_steps=1, device="cpu")

        def load():
            engine = held(lambda: load_engine(config))
            if engine is not None:
                engine.close()

        assert growth(load) < 2_000_000_000


@fuzzed(30)
@given(st.data())
def test_headers_of_weights(folder, tmp_path_factory, data):
    """A single file that says it is a checkpoint, and the weights of a part."""
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    few = dict(list(header.items())[:3])
    odd = data.draw(changed(few)) if data.draw(st.booleans()) else header
    told = json.dumps(odd).encode()
    forged = len(told).to_bytes(8, "little") + told + whole[8 + size :]
    if data.draw(st.booleans()):
        forged = data.draw(mutated(forged[:400])) + forged[400:]
    single = tmp_path_factory.getbasetemp() / "single.safetensors"
    single.write_bytes(forged)
    assert growth(lambda: held(lambda: locate_model(str(single)))) < 200_000_000
    with Changed(folder, "vae/diffusion_pytorch_model.safetensors", forged) as model:
        held(lambda: check_folder(model, "x"))
