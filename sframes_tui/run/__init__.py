"""The loop and what it leaves on disk. Knows the story and the engine's protocol, no front end, no torch."""
