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
