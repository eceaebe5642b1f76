"""In which format networks compute: bfloat16 only where the processor multiplies it itself."""

import os
import subprocess
import sys

import pytest
import torch

from shapecycle.devices import autocast, has_native_bfloat16


def test_products_are_bfloat16_exactly_where_that_is_native() -> None:
    a = torch.ones(2, 2)
    with autocast(a.device):
        product = a @ a
    assert (product.dtype == torch.bfloat16) == has_native_bfloat16("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="the variables are those of x86 builds")
def test_without_the_instructions_networks_compute_in_float32() -> None:
    program = "from shapecycle.devices import *; print(has_native_bfloat16('cpu'))"
    avx2_only = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    found = subprocess.run(
        [sys.executable, "-c", program], env=avx2_only, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
