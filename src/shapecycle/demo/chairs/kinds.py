"""Kinds of chairs, as the ranges and shares that their measures and styles are drawn from."""

from dataclasses import dataclass
from typing import Literal

Range = tuple[float, float]
SeatStyle = Literal["flat", "dished", "cushioned", "shell"]
BackStyle = Literal[
    "none", "slats", "spindles", "bow", "ladder", "splat", "cross", "rail", "hoop", "panel",
    "padded", "strips", "shell",
]  # fmt: skip
BaseStyle = Literal[
    "straight", "splayed", "turned", "star", "pedestal", "rocker", "sled", "cantilever"
]
ArmStyle = Literal["none", "posts", "tees", "loops", "panels"]
LegMaterial = Literal["frame", "metal"]
Stretchers = Literal["none", "middle", "around"]
"""Bars between the legs: on both sides with one across their middles, or on all four sides."""
STRETCHERS: dict[Stretchers, int] = {"none": 7, "middle": 6, "around": 7}
"""Their shares in every kind."""


@dataclass(frozen=True)
class Kind:
    """What a kind of chair is drawn from; metres, and shares of styles by weight."""

    seats: dict[SeatStyle, int]
    backs: dict[BackStyle, int]
    bases: dict[BaseStyle, int]
    arms: dict[ArmStyle, int]
    legs: dict[LegMaterial, int]
    seat_height: Range = (0.43, 0.47)
    seat_width: Range = (0.40, 0.48)
    seat_depth: Range = (0.39, 0.46)
    seat_thickness: Range = (0.020, 0.040)
    back_height: Range = (0.40, 0.54)
    squareness: Range = (4.0, 9.0)
    """Exponent of the seat's outline: 2 is an ellipse, 9 nearly a rectangle."""
    taper: Range = (0.05, 0.20)
    """How much narrower the seat's rear is, as a fraction of its width."""
    lean: Range = (0.10, 0.22)
    """How far the back leans, metres per metre of height."""
    cushion: Range = (0.03, 0.06)
    """Height of a cushion on the seat."""
    girth: Range = (0.015, 0.022)
    """Half the thickness of a wooden leg; one of metal is thinner."""
    weight: float = 1.0
    """How often the kind is met, relative to the others."""


# fmt: off
KINDS: dict[str, Kind] = {
    "dining": Kind(
        seats={"flat": 1, "dished": 1, "cushioned": 2},
        backs={"slats": 3, "ladder": 3, "splat": 2, "cross": 2, "rail": 1, "panel": 1, "padded": 2},
        bases={"straight": 4, "turned": 2, "splayed": 1}, arms={"none": 1},
        legs={"frame": 6, "metal": 1}, weight=1.8,
    ),
    "armchair": Kind(
        seats={"flat": 1, "cushioned": 3}, arms={"posts": 1},
        backs={"slats": 3, "ladder": 2, "splat": 2, "cross": 1, "rail": 2, "padded": 2},
        bases={"straight": 3, "turned": 2, "splayed": 1}, legs={"frame": 1},
        seat_width=(0.48, 0.56), seat_depth=(0.43, 0.50), taper=(0.03, 0.14), weight=1.2,
    ),
    "windsor": Kind(
        seats={"dished": 1}, backs={"spindles": 5, "bow": 6}, bases={"turned": 2, "splayed": 1},
        arms={"none": 2, "posts": 1}, legs={"frame": 1}, squareness=(2.6, 4.0),
        seat_thickness=(0.035, 0.05), back_height=(0.44, 0.60), lean=(0.16, 0.26),
    ),
    "bistro": Kind(
        seats={"flat": 1, "dished": 1, "cushioned": 1}, backs={"hoop": 1},
        bases={"splayed": 2, "straight": 1}, arms={"none": 1}, legs={"frame": 3, "metal": 1},
        seat_width=(0.38, 0.43), seat_depth=(0.38, 0.43), squareness=(2.0, 2.5),
        taper=(0.0, 0.08), seat_thickness=(0.028, 0.04), back_height=(0.38, 0.50), weight=0.8,
    ),
    "shell": Kind(
        seats={"shell": 1}, backs={"shell": 1},
        bases={"splayed": 4, "sled": 2, "star": 1, "pedestal": 1},
        arms={"none": 1}, legs={"frame": 1, "metal": 2}, seat_width=(0.42, 0.54),
        seat_depth=(0.40, 0.47), back_height=(0.34, 0.48), lean=(0.16, 0.34), girth=(0.013, 0.019),
    ),
    "cantilever": Kind(
        seats={"flat": 1, "cushioned": 2}, bases={"cantilever": 3, "sled": 2},
        backs={"panel": 2, "padded": 2, "strips": 1, "ladder": 1},
        arms={"none": 2, "loops": 1}, legs={"metal": 1},
        seat_width=(0.44, 0.50), taper=(0.0, 0.05), squareness=(5.0, 9.0), cushion=(0.03, 0.05),
    ),
    "office": Kind(
        seats={"cushioned": 1}, backs={"padded": 3, "strips": 2}, bases={"star": 1},
        arms={"tees": 2, "loops": 2, "none": 1}, legs={"metal": 1}, seat_height=(0.40, 0.50),
        seat_width=(0.46, 0.54), seat_depth=(0.44, 0.50), squareness=(3.0, 6.0),
        back_height=(0.42, 0.72), lean=(0.10, 0.24), cushion=(0.05, 0.09), taper=(0.0, 0.1),
        weight=1.4,
    ),
    "rocker": Kind(
        seats={"flat": 2, "dished": 1, "cushioned": 1},
        backs={"slats": 3, "spindles": 2, "ladder": 2, "splat": 1}, bases={"rocker": 1},
        arms={"posts": 5, "none": 1}, legs={"frame": 1}, seat_height=(0.38, 0.43),
        seat_width=(0.46, 0.54), seat_depth=(0.43, 0.50), back_height=(0.60, 0.76),
        lean=(0.20, 0.34), taper=(0.03, 0.14),
    ),
    "lounge": Kind(
        seats={"cushioned": 1}, backs={"padded": 3, "slats": 1, "ladder": 1},
        bases={"straight": 3, "splayed": 3, "sled": 1, "star": 1},
        arms={"panels": 3, "posts": 2, "none": 1}, legs={"frame": 3, "metal": 1},
        seat_height=(0.26, 0.33), seat_width=(0.56, 0.70), seat_depth=(0.54, 0.66),
        seat_thickness=(0.05, 0.10), back_height=(0.44, 0.62), lean=(0.22, 0.40),
        cushion=(0.09, 0.15), taper=(0.0, 0.06), squareness=(5.0, 9.0), girth=(0.020, 0.028),
        weight=1.2,
    ),
    "stool": Kind(
        seats={"flat": 2, "dished": 2, "cushioned": 2}, backs={"none": 1},
        bases={"straight": 2, "splayed": 3, "turned": 2, "pedestal": 1, "star": 1},
        arms={"none": 1}, legs={"frame": 2, "metal": 1}, seat_height=(0.42, 0.66),
        seat_width=(0.30, 0.39), seat_depth=(0.28, 0.36), squareness=(2.0, 8.0), taper=(0.0, 0.0),
        weight=0.9,
    ),
    "bar": Kind(
        seats={"flat": 1, "dished": 1, "cushioned": 2},
        backs={"rail": 2, "none": 1, "slats": 1, "padded": 1, "ladder": 1},
        bases={"straight": 2, "splayed": 2, "pedestal": 2}, arms={"none": 1},
        legs={"frame": 1, "metal": 1}, seat_height=(0.64, 0.78), seat_width=(0.36, 0.44),
        seat_depth=(0.34, 0.40), back_height=(0.18, 0.38), squareness=(2.2, 7.0),
        taper=(0.0, 0.10), weight=0.7,
    ),
}
# fmt: on
