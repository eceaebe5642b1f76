"""The benchmark: what is kept is counted once, and in proportion to the batch."""

from collections.abc import Iterator

import pytest
import torch
from tiny_world import few_samples, tiny_settings

from shapecycle.train.benchmark import Kept, benchmark

STAGES = ["shapes", "random cycle", "all cycles"]


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with few_samples():
        yield


def test_kept_memory_counts_once_and_until_it_is_let_go() -> None:
    weight, x = torch.ones(1000, requires_grad=True), torch.ones(1000, requires_grad=True)
    kept = Kept({weight.untyped_storage().data_ptr()})
    with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda held: held[1]):
        for _ in range(3):
            loss = (x * x[:500].repeat(2) * weight).sum()
            loss.backward()
            del loss
    # x, its repetition and the product; never the weight, and nothing is left of it.
    assert kept.most == 3 * 4 * 1000
    assert kept.now == 0
    assert x.grad is not None
    assert x.grad[[0, -1]].tolist() == [9, 3], "and the gradients are what they were"


def test_every_stage_is_timed_and_memory_grows_with_the_batch() -> None:
    small, large = (benchmark(tiny_settings(batch=batch), STAGES, "cpu") for batch in (4, 8))
    assert list(small.images_per_second) == STAGES
    assert min(small.images_per_second.values()) > 0
    assert (small.batch, large.batch) == (4, 8)
    assert large.kept_bytes == pytest.approx(2 * small.kept_bytes, rel=0.25)


def test_a_large_batch_is_measured_by_a_small_one() -> None:
    assert benchmark(tiny_settings(batch=64), STAGES, "cpu").batch == 8
