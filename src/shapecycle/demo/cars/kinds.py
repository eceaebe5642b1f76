"""Kinds of cars, as the ranges that their measures are drawn from."""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """Ranges a kind of car is drawn from; metres, or fractions of the length or height."""

    length: Range
    width: Range
    height: Range
    hood: Range
    """From the nose to the windscreen's foot, as a fraction of the length."""
    deck: Range
    """From the rear window's foot to the tail, as a fraction of the length."""
    windscreen: Range
    """Horizontal run of the windscreen."""
    rear_window: Range
    """Horizontal run of the rear window."""
    belt: Range = (0.60, 0.66)
    """Height of the windows' lower edge, as a fraction of the height."""
    nose: Range = (0.76, 0.90)
    """Height of the hood's front edge, as a fraction of the belt's."""
    tail: Range = (0.96, 1.04)
    """Height of the tail, as a fraction of the belt's."""
    wheel: Range = (0.29, 0.34)
    clearance: Range = (0.16, 0.21)
    softness: Range = (0.35, 0.75)
    """How rounded all edges are; 0 is a crate, 1 a bar of soap."""
    tumblehome: Range = (0.14, 0.24)
    """How much narrower the roof is than the belt, as a fraction of the width."""
    windows: tuple[int, int] = (2, 3)
    """Fewest and most windows on a side."""
    glazed: Range = (0.9, 0.95)
    """How far back the side windows reach, as a fraction of the cabin."""
    flare: Range = (0.0, 0.025)
    rails: float = 0.0
    """Probability of roof rails; the next three likewise."""
    spoiler: float = 0.1
    spare_wheel: float = 0.0
    bed: float = 0.0
    weight: float = 1.0
    """How often the kind is met, relative to the others."""


# fmt: off
KINDS: dict[str, Kind] = {
    "sedan": Kind(
        length=(4.3, 4.95), width=(1.70, 1.88), height=(1.38, 1.50), hood=(0.23, 0.29),
        deck=(0.10, 0.17), windscreen=(0.60, 0.85), rear_window=(0.50, 0.80), weight=1.4,
    ),
    "hatchback": Kind(
        length=(3.6, 4.3), width=(1.62, 1.82), height=(1.40, 1.56), hood=(0.19, 0.25),
        deck=(0.015, 0.03), windscreen=(0.55, 0.85), rear_window=(0.22, 0.55), spoiler=0.3,
        weight=1.4,
    ),
    "estate": Kind(
        length=(4.4, 4.95), width=(1.70, 1.88), height=(1.42, 1.54), hood=(0.23, 0.27),
        deck=(0.012, 0.025), windscreen=(0.60, 0.85), rear_window=(0.15, 0.45), windows=(3, 3),
        rails=0.6,
    ),
    "coupe": Kind(
        length=(4.0, 4.65), width=(1.76, 1.95), height=(1.18, 1.34), hood=(0.27, 0.36),
        deck=(0.03, 0.11), windscreen=(0.65, 0.90), rear_window=(0.80, 1.25), nose=(0.76, 0.90),
        belt=(0.63, 0.69),
        wheel=(0.31, 0.36), clearance=(0.11, 0.15), windows=(1, 2), glazed=(0.70, 0.82),
        softness=(0.5, 0.9), flare=(0.02, 0.05), spoiler=0.4,
    ),
    "city": Kind(
        length=(2.6, 3.4), width=(1.48, 1.66), height=(1.42, 1.58), hood=(0.10, 0.17),
        deck=(0.015, 0.03), windscreen=(0.45, 0.75), rear_window=(0.15, 0.45), windows=(1, 2),
        wheel=(0.26, 0.30), softness=(0.6, 1.0), weight=0.8,
    ),
    "suv": Kind(
        length=(4.2, 4.95), width=(1.80, 2.00), height=(1.62, 1.84), hood=(0.21, 0.26),
        deck=(0.012, 0.03), windscreen=(0.50, 0.75), rear_window=(0.18, 0.50), nose=(0.84, 0.94),
        wheel=(0.35, 0.40), clearance=(0.22, 0.29), flare=(0.02, 0.05), rails=0.6, spoiler=0.3,
        weight=1.2,
    ),
    "jeep": Kind(
        length=(3.6, 4.4), width=(1.66, 1.86), height=(1.75, 1.95), hood=(0.26, 0.32),
        deck=(0.01, 0.02), windscreen=(0.10, 0.30), rear_window=(0.02, 0.12), belt=(0.58, 0.64),
        nose=(0.92, 0.99), tail=(0.99, 1.0), wheel=(0.37, 0.42), clearance=(0.27, 0.36),
        softness=(0.08, 0.3), tumblehome=(0.05, 0.11), flare=(0.05, 0.09), spare_wheel=0.75,
    ),
    "pickup": Kind(
        length=(4.9, 5.6), width=(1.80, 2.02), height=(1.68, 1.90), hood=(0.21, 0.26),
        deck=(0.28, 0.38), windscreen=(0.45, 0.70), rear_window=(0.05, 0.25), belt=(0.60, 0.65),
        nose=(0.88, 0.97), tail=(0.98, 1.02), wheel=(0.36, 0.41), clearance=(0.24, 0.34),
        softness=(0.2, 0.55), windows=(1, 2), flare=(0.02, 0.06), bed=1.0, spoiler=0.0, weight=1.2,
    ),
    "van": Kind(
        length=(4.5, 5.5), width=(1.80, 2.02), height=(1.90, 2.35), hood=(0.09, 0.15),
        deck=(0.008, 0.02), windscreen=(0.55, 0.95), rear_window=(0.04, 0.2), belt=(0.48, 0.55),
        nose=(0.78, 0.92), wheel=(0.32, 0.36), windows=(1, 1), glazed=(0.25, 0.34),
        softness=(0.25, 0.6), tumblehome=(0.06, 0.13),
    ),
    "people_carrier": Kind(
        length=(4.2, 4.9), width=(1.76, 1.95), height=(1.62, 1.82), hood=(0.12, 0.19),
        deck=(0.012, 0.025), windscreen=(0.75, 1.10), rear_window=(0.15, 0.45), belt=(0.54, 0.60),
        windows=(3, 3), softness=(0.5, 0.9), rails=0.4, weight=0.8,
    ),
    "minibus": Kind(
        length=(5.2, 6.6), width=(1.90, 2.10), height=(2.20, 2.65), hood=(0.01, 0.05),
        deck=(0.006, 0.012), windscreen=(0.15, 0.50), rear_window=(0.03, 0.12), belt=(0.46, 0.54),
        nose=(0.92, 1.0), wheel=(0.36, 0.42), windows=(4, 6), softness=(0.25, 0.6),
        tumblehome=(0.03, 0.09), glazed=(0.95, 0.97), spoiler=0.0, weight=0.7,
    ),
    "classic": Kind(
        length=(3.7, 4.4), width=(1.54, 1.72), height=(1.42, 1.58), hood=(0.22, 0.29),
        deck=(0.08, 0.16), windscreen=(0.30, 0.50), rear_window=(0.55, 0.95), nose=(0.82, 0.92),
        tail=(0.84, 0.94), belt=(0.60, 0.66), softness=(0.85, 1.0), tumblehome=(0.22, 0.32),
        flare=(0.03, 0.07), windows=(1, 2), glazed=(0.80, 0.90), weight=0.8,
    ),
}
# fmt: on
