"""Where things meet: the seat's corners, legs on their way to the floor, the back's surface."""

import numpy as np

from shapecycle.demo.chairs.design import Chair


def underside(chair: Chair) -> float:
    """Height of what legs and columns reach up to."""
    return chair.seat.height - max(chair.seat.thickness, 0.05 if has_shell(chair) else 0.0)


def has_shell(chair: Chair) -> bool:
    """Whether seat and back are one shell."""
    return chair.seat.style == "shell"


def has_posts(chair: Chair) -> bool:
    """Whether posts carry the back; pads of office and lounge chairs, bows and hoops do without."""
    if chair.back.style in ("none", "shell", "bow", "hoop"):
        return False
    return not (chair.back.style in ("padded", "strips") and chair.kind in ("office", "lounge"))


def sitting_height(chair: Chair) -> float:
    """Height of the seat's middle, cushion included."""
    return chair.seat.height + (chair.seat.relief if chair.seat.style == "cushioned" else 0.0)


def corner(chair: Chair, front: bool) -> tuple[float, float]:
    """The seat's corner at +x, drawn in by half a leg: x and z."""
    seat, inset = chair.seat, chair.base.girth + 0.006
    reach = 0.5 ** (1 / seat.squareness)
    narrowing = 1 - seat.taper * (1 + (-reach if front else reach)) / 2
    x = seat.width / 2 * reach * narrowing - inset
    z = seat.depth / 2 * reach - inset
    return x, z if front else -z


def leg_point(chair: Chair, front: bool, height: float) -> np.ndarray:
    """The middle of the leg at +x at a height."""
    base = chair.base
    top = underside(chair)
    x, z = corner(chair, front)
    if has_shell(chair):
        x, z = 0.62 * x, 0.62 * z
    elif base.style in ("splayed", "turned"):
        x, z = 0.84 * x, 0.84 * z
    outwards = base.rake * (0.5 if front else 1.0)
    down = top - height
    return np.array([x + base.splay * down, height, z + np.sign(z) * outwards * down])


def back_point(chair: Chair, across: np.ndarray | float, up: np.ndarray | float) -> np.ndarray:
    """Positions (... 3) on the back's surface.

    Args:
        chair: The chair.
        across: -1 to 1, from post to post.
        up: 0 at the seat, 1 at the top.
    """
    back = chair.back
    x, z = corner(chair, front=False)
    across, up = np.broadcast_arrays(np.asarray(across, float), np.asarray(up, float))
    ramp = 1 - np.exp(-4 * np.maximum(up, 0))
    leaning = back.lean * back.height * (0.4 * up + 0.6 * up * np.abs(up))
    return np.stack(
        [
            across * x * (1 + (back.flare - 1) * up),
            chair.seat.height + up * back.height,
            z - leaning - back.wrap * (1 - across**2) * ramp,
        ],
        axis=-1,
    )
