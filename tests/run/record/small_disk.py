"""A file system of a few kilobytes: a tmpfs of its own, mounted for one test."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def small_disk(path, kilobytes):
    """Mounts a tmpfs of that size at `path`; skips the test where nobody lets us."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "sframes-test", str(path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(folder, left=0):
    """Takes all space but `left` kilobytes; returns the file that does."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass
    with ballast.open("r+b") as file:
        file.truncate(max(ballast.stat().st_size - left * 1024, 0))
    return ballast
