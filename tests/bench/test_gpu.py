"""`python -m bench gpu`, tiny: on the CPU and on an emulated GPU."""

import json
import threading
import time

import pytest
import torch

from bench.gpu.__main__ import main
from bench.gpu.report import Report, Section
from bench.gpu.shapes import SD15, SDXL, TINY_SD, row_flops
from tests.emulated_cuda import EmulatedCuda


@pytest.mark.parametrize(("shape", "millions"), [(SD15, 859.5), (SDXL, 2567.5)])
def test_shapes_are_those_of_the_real_models(shape, millions):
    with torch.device("meta"):
        unet = shape.make_unet()
    assert sum(each.numel() for each in unet.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


def test_a_rows_operations_are_those_of_its_products():
    """The first convolution alone: 16 x 16 places, twice in the batch, 4 x 9 numbers to each of 8."""
    assert row_flops(TINY_SD) > 2 * 2 * 16 * 16 * 4 * 9 * 8


def bench(folder, *words):
    main(["--tiny", "--out", str(folder), *words])
    found = json.loads((folder / "gpu.json").read_text("utf-8"))["sections"]
    assert {section["state"] for section in found.values()} == {"done"}, found
    assert all(row.get("right", True) for section in found.values() for row in section["rows"])
    return found


def test_every_kind_of_section_on_the_cpu(tmp_path, capsys):
    names = ["matrix", "bytes", "story", "rows-xl", "parts", "vae", "cpu", "correct-xl"]
    found = bench(tmp_path, "--sections", *names)
    assert sorted(found) == sorted([*names, "aims"])
    assert all(section["rows"] for section in found.values())
    markdown = (tmp_path / "gpu.md").read_text("utf-8")
    assert markdown in capsys.readouterr().out
    assert "| resumed from saved pictures | 8 | 8 | 0 | 0 | yes |" in markdown


def test_a_digest_is_that_of_the_pictures(capsys):
    for _ in range(2):
        main(["--tiny", "--digest"])
    first, second = capsys.readouterr().out.split()
    assert first == second
    assert len(first) == 64


def test_on_an_emulated_gpu(tmp_path):
    with EmulatedCuda():
        found = bench(tmp_path, "--device", "cuda", "--sections", "vae", "cpu")
    assert all("peak MiB" in row for row in found["vae"]["rows"])
    assert found["cpu"]["rows"][0]["equal ones"] == 2


def test_a_section_that_fails_keeps_its_rows_and_the_others_run(tmp_path):
    def rows():
        yield {"row": 1}
        raise ValueError("no such kernel\n  and no more")

    report = Report(tmp_path, 60, {"device": "none"})
    report.run(Section("first", "First", 1, rows))
    report.run(Section("second", "Second", 1, lambda: iter([{"row": True}])))
    report.run(Section("third", "Third", 61, rows))
    found = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["sections"]
    assert [section["state"] for section in found.values()] == [
        "failed: ValueError: no such kernel and no more",
        "done",
        "left out: time",
    ]
    assert found["first"]["rows"] == [{"row": 1}]
    assert "### First (failed: ValueError: no such kernel and no more)\n\n| row |\n| --- |\n| 1 |" in report.markdown()


def test_a_section_is_cut_off_when_the_time_is_used_up(tmp_path):
    def rows():
        yield {"row": 1}
        while True:
            threading.Event().wait(0.01)

    report = Report(tmp_path, 0.2, {})
    began = time.monotonic()
    report.run(Section("endless", "Endless", 0.1, rows))
    assert time.monotonic() - began >= 0.1
    assert "### Endless (cut off: time)\n\n| row |" in report.markdown()
