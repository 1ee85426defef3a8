"""Parts of a model that wait in main memory and come to the device for their turn, by accelerate's hooks.

Diffusers' chain of hooks sends the UNet away whenever the VAE comes. With frames at different steps that would be for
every frame: here the VAE comes beside the UNet while frames are in flight, unless memory is too small for both.
"""

from sframes_tui.engine.capabilities import Pipeline


class Parts:
    """The parts of a pipeline with a UNet; does nothing where no part waits."""

    def __init__(self, pipe: Pipeline) -> None:
        self._pipe = pipe
        self.apart = False
        """The UNet goes before the VAE comes."""

    @property
    def wait(self) -> bool:
        """They do, each as a whole."""
        return bool(self._hooks)

    @property
    def _hooks(self) -> list[Pipeline]:
        return getattr(self._pipe, "_all_hooks", [])

    def let_in(self) -> None:
        """To be called before a tick: lets the VAE come beside the UNet."""
        for each in self._hooks:
            if each.model is self._pipe.vae and not self.apart:
                each.hook.prev_module_hook = None

    def keep_apart(self) -> bool:
        """From now on the UNet makes room for the VAE; whether that is anything new."""
        if not self.wait or self.apart:
            return False
        self.apart = True
        self._pipe.maybe_free_model_hooks()
        return True

    def send_back(self, drawing: bool) -> None:
        """To be called after a tick in which other parts than the UNet worked; while `drawing` that one stays."""
        if not drawing:
            self._pipe.maybe_free_model_hooks()
            return
        for each in self._hooks:
            if each.model is not self._pipe.unet:
                each.offload()
