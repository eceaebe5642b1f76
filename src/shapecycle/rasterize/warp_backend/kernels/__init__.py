"""The rasteriser as compiled kernels (float32, CPU and CUDA from one source).

Each kernel repeats the arithmetic of the reference in the same order, with contraction into
fused multiply-adds switched off, so that both see the same faces. Adjoints are written by hand;
they share the device functions of ``pixels.py`` and ``faces.py`` with the forward kernels.
All launches and arrays are one-dimensional: on the CPU, Warp's multi-dimensional indexing costs
several times more than the arithmetic.
"""
