"""`python -m training.train STAGE --resume`: the stages of training, in order autoencoder, latents, text,
unet.

`decoder` trains the decoder further behind the frozen encoder; `reader` trains the judge of
`training.evaluate`; `released` lays out a released model's parts so that all stages go on from it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from training import data
from training.autoencoder import Autoencoding
from training.diffusion import Denoising
from training.export import TARGET
from training.latents import encode_shards, freeze_encoder
from training.reader import Judging
from training.released import go_on_from
from training.text import Reading
from training.workers import Crew, launch

STEPS = {"autoencoder": 6500, "decoder": 20_000, "text": 600, "unet": 100_000, "reader": 7200}
"""How long each stage goes on unless told otherwise."""
BATCH = {"autoencoder": 16, "decoder": 16, "text": 64, "unet": 20, "reader": 32}


def main() -> None:
    """Run one stage, from its newest checkpoint with `--resume`, else from the beginning."""
    options = _options()
    folder: Path = options.folder
    if options.stage == "released":
        go_on_from(options.model, folder)
        return
    if options.stage == "latents":
        freeze_encoder(folder)
        encode_shards(folder)
        return
    steps = options.steps or STEPS[options.stage]
    batch = options.batch or BATCH[options.stage]
    if not options.resume:
        (folder / f"{options.stage}.pt").unlink(missing_ok=True)
    works: dict[str, Callable[[], Callable[[Crew], None]]] = {
        "autoencoder": lambda: Autoencoding(folder, steps, batch),
        "decoder": lambda: Autoencoding(folder, steps, batch, frozen_encoder=True),
        "text": lambda: Reading(folder, steps, batch),
        "reader": lambda: Judging(folder, steps, batch),
        "unet": lambda: Denoising(
            folder,
            steps,
            options.fall_from or int(0.6 * steps),
            batch,
            rate=options.rate,
            thrift=options.thrift,
            compiled=options.compile,
        ),
    }
    launch(works[options.stage](), options.workers, folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("released", "latents", *STEPS))
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument("--folder", type=Path, default=data.FOLDER)
    parser.add_argument("--model", type=Path, default=TARGET, help="the released model to go on from")
    parser.add_argument("--steps", type=int, help="the whole length of the stage")
    parser.add_argument("--fall-from", type=int, help="step from which the denoiser's rate falls (60 %% of the steps)")
    parser.add_argument("--batch", type=int, help="per worker")
    parser.add_argument("--rate", type=float, default=1.1e-3, help="the denoiser's learning rate")
    parser.add_argument("--thrift", type=float, default=0.08, help="how often captions leave something out")
    parser.add_argument("--compile", action="store_true", help="compile the denoiser (worth it on CUDA)")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each (CPU only)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
