"""The one place that prints: every stage tells how far it is in lines that begin with the time of day."""

import time


def tell(line: str) -> None:
    """Print a line of progress at once, also into a log."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
