"""Recordings of steps, as far as they can be tried without a GPU."""

from typing import Any, cast

import pytest
import torch

from shapecycle.train.step_graphs import StepGraphs


class Recording:
    """Stands in for a CUDA graph: replaying it does nothing."""

    def replay(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("recorded", [None, {"loss": torch.ones(2), "missing": None}])
def test_a_recorded_part_gives_what_it_gave_in_tensors_of_its_own(recorded: Any) -> None:
    graphs = StepGraphs(torch.device("cpu"), torch.Generator())
    graphs._recorded["part"] = (cast(torch.cuda.CUDAGraph, Recording()), recorded)
    given = graphs._run("part", lambda: recorded)
    if recorded is None:
        assert given is None
    else:
        assert given["missing"] is None
        assert torch.equal(given["loss"], recorded["loss"])
        assert given["loss"].data_ptr() != recorded["loss"].data_ptr()
