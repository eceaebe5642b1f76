"""What chairs are made of."""

from typing import Literal

Material = Literal["frame", "padding", "shell", "metal", "rubber"]
MATERIALS: tuple[Material, ...] = ("frame", "padding", "shell", "metal", "rubber")
ALBEDO: dict[Material, tuple[float, float, float]] = {"rubber": (0.10, 0.10, 0.10)}
"""sRGB albedo of rubber; what the other materials look like is the picture's to choose: wood or
paint for the frame, fabric or leather for padding, plastic or plywood for shells."""
FRAME, PADDING, SHELL, METAL, RUBBER = range(5)
"""Indices into ``MATERIALS``."""
