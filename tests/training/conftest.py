"""A studio for the tests: the smallest folder in which every later stage can start."""

import pytest
import torch

from training import data
from training.autoencoder import Autoencoding
from training.latents import encode_shards, freeze_encoder
from training.scene import draw_lot
from training.scenes import render
from training.text import Reading
from training.workers import Crew

ALONE = Crew(0, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A folder with a shard, an untrained autoencoder and text encoder: where the denoiser may start."""
    folder = tmp_path_factory.mktemp("studio")
    data.write_shard(folder, 0, [draw_lot(seed, 0.0) for seed in range(24)], render)
    Autoencoding(folder, steps=1, batch=2)(ALONE)
    freeze_encoder(folder)
    encode_shards(folder)
    Reading(folder, steps=2, batch=4)(ALONE)
    return folder


def workplace(studio, folder):
    """A folder of its own for one run, with the studio's things in it."""
    folder.mkdir(exist_ok=True)
    for name in ("scenes", "encoder.pt", "autoencoder.pt", "text.pt", "tokenizer"):
        (folder / name).symlink_to(studio / name)
    return folder
