"""Starts S-Frames from a checkout."""

import sys

from sframes_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
