"""Keys that act where they were meant to, however fast they are typed."""

from textual.events import Key
from textual.widget import Widget


class OwnKeys(Widget):
    """Acts on the keys of its bindings as soon as it gets them.

    Textual lets a key rise to the app first, which asks what has the focus by then: of keys that are typed ahead, some
    would act on another field than the one they were meant for.
    """

    async def on_key(self, event: Key) -> None:
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
