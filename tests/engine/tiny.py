"""Tiny pipelines of random weights, made through diffusers' own classes and saved as model folders.

Each draws in well under a second: `tiny_sd(folder)` and its siblings write a diffusers folder and return it.
"""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tokenizers import pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

# fmt: off
WORDS = (
    "a", "an", "and", "at", "boat", "by", "calm", "cat", "dark", "dawn", "day", "deep", "fog", "gulls", "house", "in",
    "keeper", "lamp", "light", "lighthouse", "night", "of", "oil", "on", "over", "painting", "quiet", "rain", "red",
    "rock", "sea", "ship", "sky", "sleeps", "small", "snow", "star", "storm", "sun", "the", "tower", "town", "turns",
    "under", "watercolour", "waves", "white", "wind", "with",
)
# fmt: on

SD_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def clip_tokenizer(window: int = 77) -> CLIPTokenizer:
    """Knows `WORDS` as one token each and spells every other word."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = ["<|startoftext|>", "<|endoftext|>", *alphabet, *(letter + "</w>" for letter in alphabet)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        letters = [*word[:-1], word[-1] + "</w>"]
        while len(letters) > 1:
            if (letters[0], letters[1]) not in merges:
                merges.append((letters[0], letters[1]))
            letters[:2] = ["".join(letters[:2])]
            vocab.append(letters[0])
    ids = {token: index for index, token in enumerate(dict.fromkeys(vocab))}
    return CLIPTokenizer(vocab=ids, merges=merges, model_max_length=window)


def t5_tokenizer(window: int = 512) -> T5TokenizerFast:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [("▁" + word, -2.0) for word in WORDS] + [(chr(code), -8.0) for code in range(33, 127)]
    return T5TokenizerFast(vocab=pieces, extra_ids=0, model_max_length=window)


def _text_config(tokenizer: CLIPTokenizer, width: int = 32, projection: int = 32) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        projection_dim=projection,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _vae(channels: int = 4, **extra: object) -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=channels,
        sample_size=32,
        **extra,
    )


def _unet(**extra: object) -> UNet2DConditionModel:
    """Attends to the prompt in its middle alone: a call of it is half as long as with attention in its blocks too."""
    settings: dict[str, object] = {
        "sample_size": 16,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 4,
        "cross_attention_dim": 32,
        "down_block_types": ("DownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "UpBlock2D"),
    }
    return UNet2DConditionModel(**{**settings, **extra})


ATTENTIVE = {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
"""Of a UNet with attention in its deeper blocks, as Stable Diffusion's."""


def smallest_unet() -> UNet2DConditionModel:
    """Attends to no prompt: quick enough for a thousand calls, and to be compiled."""
    torch.manual_seed(5)
    return _unet(
        block_out_channels=(8,), down_block_types=("DownBlock2D",), mid_block_type=None, up_block_types=("UpBlock2D",)
    )


def sd_scheduler(name: str = "PNDM") -> PNDMScheduler | DDIMScheduler:
    if name == "PNDM":
        return PNDMScheduler(skip_prk_steps=True, **SD_BETAS)
    return DDIMScheduler(clip_sample=False, set_alpha_to_one=False, **SD_BETAS)


def sd_pipeline(scheduler: str = "PNDM", window: int = 77, **unet: object) -> StableDiffusionPipeline:
    torch.manual_seed(0)
    tokenizer = clip_tokenizer(window)
    return StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(**unet),
        scheduler=sd_scheduler(scheduler),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def tiny_sd(folder: Path, scheduler: str = "PNDM", window: int = 77, **unet: object) -> Path:
    """Stable Diffusion 1.x at 32 x 32 pixels."""
    sd_pipeline(scheduler, window, **unet).save_pretrained(folder)
    return folder


def tiny_lcm(folder: Path) -> Path:
    """A latent consistency model at 32 x 32 pixels."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    LatentConsistencyModelPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(time_cond_proj_dim=32),
        scheduler=LCMScheduler(**SD_BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def xl_unet(size_numbers: int = 6) -> UNet2DConditionModel:
    """Stable Diffusion XL's, told so many numbers of a picture's size; its refiner's is told 5."""
    return _unet(
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=size_numbers * 8 + 32,
        cross_attention_dim=64,
        transformer_layers_per_block=(1, 1),
        use_linear_projection=True,
    )


def tiny_sdxl(folder: Path) -> Path:
    """Stable Diffusion XL at 32 x 32 pixels."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    unet = xl_unet()
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(tokenizer)),
        tokenizer=tokenizer,
        tokenizer_2=clip_tokenizer(),
        unet=unet,
        scheduler=sd_scheduler("DDIM"),
    ).save_pretrained(folder)
    return folder


def _t5(tokenizer: T5TokenizerFast) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, is_gated_act=True)
    )


def tiny_sd3(folder: Path) -> Path:
    """Stable Diffusion 3 at 32 x 32 pixels, all three text encoders."""
    torch.manual_seed(0)
    tokenizer, tokenizer_3 = clip_tokenizer(), t5_tokenizer()
    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        out_channels=4,
        pos_embed_max_size=16,
    )
    StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(shift_factor=0.06),
        text_encoder=CLIPTextModelWithProjection(_text_config(tokenizer, 16, 16)),
        tokenizer=tokenizer,
        text_encoder_2=CLIPTextModelWithProjection(_text_config(tokenizer, 16, 16)),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=_t5(tokenizer_3),
        tokenizer_3=tokenizer_3,
    ).save_pretrained(folder)
    return folder


def tiny_flux(folder: Path, guidance_embeds: bool = True) -> Path:
    """Flux; draws 256 x 256 pixels unasked, so ask for 32 x 32."""
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = clip_tokenizer(), t5_tokenizer()
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=guidance_embeds,
    )
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_vae(shift_factor=0.06),
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=_t5(tokenizer_2),
        tokenizer_2=tokenizer_2,
        transformer=transformer,
    ).save_pretrained(folder)
    return folder
