"""Real pipelines made to draw nothing usable."""

import torch


@torch.no_grad()
def break_denoiser(pipe):
    pipe.unet.conv_out.bias.fill_(float("nan"))


@torch.no_grad()
def break_decoder(pipe):
    pipe.vae.decoder.conv_out.bias.fill_(float("inf"))


@torch.no_grad()
def blacken(pipe):
    pipe.vae.decoder.conv_out.weight.zero_()
    pipe.vae.decoder.conv_out.bias.fill_(-10.0)


@torch.no_grad()
def overflow_in_half(pipe):
    """As with Stable Diffusion XL's VAE: activations that float32 holds and float16 doesn't."""
    pipe.vae.decoder.conv_in.weight.mul_(200_000)
    pipe.vae.decoder.conv_in.bias.zero_()


def block(pipe):
    """A tiny safety checker of Stable Diffusion's own class, which flags everything."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**tower, "image_size": 32, "patch_size": 16}
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, text_config=tower, projection_dim=8))
    checker.concept_embeds_weights.fill_(-10)
    size = {"height": 32, "width": 32}
    pipe.feature_extractor = CLIPImageProcessor(size=size, crop_size=size)
    pipe.safety_checker = checker.eval()
