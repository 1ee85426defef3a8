"""Tests leave the user's own files alone: what the program remembers goes to a folder of the test run."""

import os
import tempfile

HOME = tempfile.TemporaryDirectory(prefix="sframes-tests-")

for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
    # Before anything of the program is imported, and for the processes that tests start.
    os.environ[f"XDG_{kind}_HOME"] = os.path.join(HOME.name, kind.lower())  # noqa: PTH118
