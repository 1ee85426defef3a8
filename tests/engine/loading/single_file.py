"""A tiny Stable Diffusion as one checkpoint file, in the original (LDM) tensor names.

diffusers renames such tensors when it loads a checkpoint; here the names are made the other way round.
"""

import re
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.engine import tiny

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_TOP = {"conv_norm_out": "norm_out", "mid_block.attentions.0": "mid.attn_1"}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def _renamed(key: str, table: dict[str, str]) -> str:
    for ours, theirs in table.items():
        if key.startswith(ours + "."):
            return theirs + key.removeprefix(ours)
    return key


def unet_key(key: str, layers: int, blocks: int) -> str:
    """`down_blocks.0.resnets.0.norm1.weight` -> `input_blocks.1.0.in_layers.0.weight`, and so on."""
    if match := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", key):
        kind, number, rest = match.groups()
        index = 2 * int(number) if kind == "resnets" else 1
        return f"middle_block.{index}.{_renamed(rest, RESNET) if kind == 'resnets' else rest}"
    if match := re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)", key):
        way, block, kind, number, rest = match.groups()
        first = int(block) * (layers + 1)
        if kind == "downsamplers":
            return f"input_blocks.{first + layers + 1}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            place = 2 if _has_attention(int(block), blocks) else 1
            return f"output_blocks.{first + layers}.{place}.{rest}"
        place = 0 if kind == "resnets" else 1
        index = first + int(number) + (1 if way == "down" else 0)
        return f"{'input' if way == 'down' else 'output'}_blocks.{index}.{place}.{_renamed(rest, RESNET)}"
    return _renamed(key, UNET_TOP)


def _has_attention(up_block: int, blocks: int) -> bool:
    """As in `tiny.ATTENTIVE`, the deepest level alone has attention."""
    return up_block < blocks - 1


def vae_key(key: str, blocks: int) -> str:
    half, _, rest = key.partition(".")
    if half not in ("encoder", "decoder"):
        return key
    if match := re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)", rest):
        way, block, kind, number, inner = match.groups()
        level = int(block) if way == "down" else blocks - 1 - int(block)
        inner = inner.replace("conv_shortcut", "nin_shortcut")
        part = f"block.{number}.{inner}" if kind == "resnets" else f"{kind.removesuffix('rs')}.{inner}"
        return f"{half}.{way}.{level}.{part}"
    if match := re.fullmatch(r"mid_block\.resnets\.(\d)\.(.+)", rest):
        return f"{half}.mid.block_{int(match[1]) + 1}.{match[2]}"
    if rest.startswith("mid_block.attentions.0."):
        return f"{half}.mid.attn_1.{_renamed(rest.removeprefix('mid_block.attentions.0.'), VAE_ATTENTION)}"
    return f"{half}.{_renamed(rest, VAE_TOP)}"


def tiny_checkpoint(path: Path, scheduler: str = "PNDM") -> Path:
    """Writes `path`, and beside it the folder of the same name that describes it, without weights."""
    pipe = tiny.sd_pipeline(scheduler, **tiny.ATTENTIVE)
    layers, blocks = pipe.unet.config.layers_per_block, len(pipe.unet.config.block_out_channels)
    tensors: dict[str, torch.Tensor] = {}
    for key, tensor in pipe.unet.state_dict().items():
        tensors[f"model.diffusion_model.{unet_key(key, layers, blocks)}"] = tensor
    for key, tensor in pipe.vae.state_dict().items():
        linear = ".attentions." in key and tensor.ndim == 2
        tensors[f"first_stage_model.{vae_key(key, blocks)}"] = tensor[:, :, None, None] if linear else tensor
    for key, tensor in pipe.text_encoder.state_dict().items():
        name = key if key.startswith("text_model.") else f"text_model.{key}"
        tensors[f"cond_stage_model.transformer.{name}"] = tensor
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
    folder = path.with_suffix("")
    pipe.save_pretrained(folder)
    for weights in folder.rglob("*.safetensors"):
        weights.unlink()
    return path
