"""The shape of every network: sizes live here and nowhere else. All are stock diffusers and transformers
classes.

Sizes were chosen so that all weights together stay under 20 MB in half precision and a guided picture of 20
steps takes less than a second on one CPU core. The denoiser spends its parameters at 4x4 and 8x8 cells, where
a whole subject is a few cells wide; attention at 8x8 places things, and `addition_embed_type="text"` lets the
caption steer every residual block.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

CELLS = 16
"""Side of a latent picture in cells; a cell is 8x8 pixels."""
CHANNELS = 16
"""Latent channels."""
TOKENS = 64
"""Length of a caption in tokens, its two marks included."""
WORDS = 2000
"""Entries of the vocabulary."""
WIDTH = 128
"""Width of the text encoder."""
ENCODER_WIDTH = 48
"""Width of the encoder: what stacked 2x2 groupings of RGB need (3, 12, 48) to lose nothing."""
LIFT = 4.0
"""Added before the encoder's last rectifier and taken away after it: so it lets a principal component
through."""


def make_autoencoder() -> Any:
    """An encoder of strided convolutions with two residual blocks, and a small residual decoder; 8x8 pixels a
    cell.
    """
    return AutoencoderTiny(
        latent_channels=CHANNELS,
        encoder_block_out_channels=(ENCODER_WIDTH,) * 4,
        num_encoder_blocks=(0, 0, 1, 1),
        decoder_block_out_channels=(32, 32, 32, 32),
        num_decoder_blocks=(3, 3, 3, 1),
    )


def make_text_encoder() -> Any:
    config = CLIPTextConfig(
        vocab_size=WORDS,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=WIDTH,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config)


def make_unet() -> Any:
    """The denoiser: latents (n, 16, 16, 16), timesteps (n,), text (n, TOKENS, WIDTH) -> v of the latents'
    shape.
    """
    unet = UNet2DConditionModel(
        sample_size=CELLS,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(96, 128, 160),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
        cross_attention_dim=WIDTH,
        norm_num_groups=16,
        use_linear_projection=True,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    return unet.to(memory_format=torch.channels_last)


def make_scheduler() -> Any:
    """Zero terminal SNR, so that a night can be dark and a page white; v-prediction needs it and goes with
    it.
    """
    return DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True,
        steps_offset=1,
    )  # fmt: skip


def make_tokenizer(captions: Iterable[str]) -> Any:
    """CLIP's byte-level BPE with a vocabulary learnt from captions; it has every byte, so any text goes."""
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.normalizer = normalizers.Lowercase()
    bpe.pre_tokenizer = CLIPTokenizer().backend_tokenizer.pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = ["<|startoftext|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS - len(alphabet),
        special_tokens=marks,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    bpe.train_from_iterator(captions, trainer)
    return _as_clip(bpe.to_str(), alphabet)


def _as_clip(trained: str, alphabet: list[str]) -> Any:
    """The trained vocabulary in a CLIPTokenizer, with every byte also in its end-of-word form."""
    model = json.loads(trained)["model"]
    vocabulary: dict[str, int] = model["vocab"]
    for letter in alphabet:
        vocabulary.setdefault(f"{letter}</w>", len(vocabulary))
    merges = [tuple(pair) for pair in model["merges"]]
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=TOKENS)


def install_patches(autoencoder: Any, pictures: NDArray[np.uint8]) -> None:
    """Write a principal-component analysis of 8x8 patches into the encoder, exactly: where its training
    starts.

    The strided convolutions regroup each 2x2 of their input into channels (3 -> 12 -> 48), the last one
    projects onto the leading components, the residual blocks begin as identities, and the output keeps
    CHANNELS of them. Component i is scaled by the square root of its deviation, so that fine detail has
    smaller latents and drowns in noise before the broad forms do.
    """
    patches = pictures.reshape(-1, 16, 8, 16, 8, 3).transpose(0, 1, 3, 5, 2, 4).reshape(-1, 192) / 255.0
    mean = patches.mean(0)
    values, vectors = np.linalg.eigh(np.cov((patches - mean).T))
    values, vectors = values[::-1][:ENCODER_WIDTH], vectors[:, ::-1][:, :ENCODER_WIDTH]
    project = torch.tensor((vectors * (values**-0.25 * values[0] ** -0.25)).T.copy(), dtype=torch.float32)
    first, second, third, middle_block, fourth, last_block, output = autoencoder.encoder.layers
    with torch.no_grad():
        first.weight.mul_(0.05)
        first.bias.zero_()
        for i in range(3):
            first.weight[i] = 0
            first.weight[i, i, 1, 1] = 1
        _regroup(second.weight.mul_(0.05), 3)
        _regroup(third.weight.mul_(0.05), 12)
        _project(fourth.weight, project)
        for block, lift in ((middle_block, 0.0), (last_block, LIFT)):
            block.conv[-1].weight.zero_()
            block.conv[-1].bias.fill_(lift)
        output.weight.zero_()
        for i in range(CHANNELS):
            output.weight[i, i, 1, 1] = 1
        output.bias.copy_(-(project @ torch.tensor(mean, dtype=torch.float32))[:CHANNELS] - LIFT)


def _regroup(weight: torch.Tensor, channels: int) -> None:
    """Channel 4c+2y+x of the output is pixel (y, x) of each 2x2 group of channel c."""
    weight[: 4 * channels] = 0
    for c in range(channels):
        for y in range(2):
            for x in range(2):
                weight[4 * c + 2 * y + x, c, 1 + y, 1 + x] = 1


def _project(weight: torch.Tensor, project: torch.Tensor) -> None:
    """The last grouping and the projection of (colour, row, column) patches in one strided convolution."""
    weight.zero_()
    for colour in range(3):
        for row in range(8):
            for column in range(8):
                first = 4 * colour + 2 * (row % 2) + column % 2
                second = 4 * first + 2 * (row // 2 % 2) + column // 2 % 2
                source = project[:, colour * 64 + row * 8 + column]
                weight[:, second, 1 + row // 4, 1 + column // 4] = source
