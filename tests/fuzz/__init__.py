"""Every reader of what strangers send, fed with what nobody would write: one file for each kind of thing read.

The property is the same everywhere, `held.held`: a value, or a refusal in a sentence; nothing run, asked of the
network or written; nothing that grows far beyond what was read. `make fuzz` tries thirty times as much.
"""
