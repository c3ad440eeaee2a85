"""Deformable attention by summed rows, against `grid_sample`, in process time."""

import time

import torch

from models.clickpose.deformable import sample_by_grid, sample_levels

SHAPES = ((100, 134), (50, 67), (25, 34), (13, 17))
"""The maps of an input of 800 x 1066 pixels."""


def seconds(work) -> float:
    took = []
    for _ in range(3):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


@torch.inference_mode()
def test_summed_rows_against_grid_sample(capsys):
    torch.manual_seed(0)
    tokens = sum(h * w for h, w in SHAPES)
    values = torch.randn(1, tokens, 8, 32)
    for what, queries in (("encoder layer", tokens), ("one person", 18)):
        near = torch.rand(1, queries, 1, 1, 1, 2) + 0.03 * torch.randn(1, queries, 8, 4, 4, 2)
        shares = torch.rand(1, queries, 8, 4, 4)
        have, want = (f(values, SHAPES, near, shares) for f in (sample_levels, sample_by_grid))
        torch.testing.assert_close(have, want, atol=1e-4, rtol=1e-4)
        rows, grid = (
            seconds(lambda f=f, n=near, s=shares: f(values, SHAPES, n, s))
            for f in (sample_levels, sample_by_grid)
        )
        with capsys.disabled():
            text = f"{what}: {rows * 1e3:.1f} ms, {grid / rows:.1f} x faster than grid_sample"
            print(f"\n  {text}", end="")  # noqa: T201
