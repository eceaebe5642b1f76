"""How the verbs share work out among the processes that torchrun starts."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from shapecycle.console import hushed
from shapecycle.errors import LostProcess, ShapecycleError
from shapecycle.train.signals import interruptible

if TYPE_CHECKING:
    from shapecycle.parallel import Team

END_SECONDS = 60.0
"""Seconds that processes wait for each other to clear up after a failure."""


@contextmanager
def together() -> Iterator["Team"]:
    """Join the processes that torchrun started, if it did; only the first one says something.

    Raises:
        LostProcess: If one of them is gone, even where torchrun asks the others to stop before
            they have noticed.
    """
    from shapecycle.parallel import ROLL_CALL_SECONDS, joined, leave

    # What they tell each other is on the CPU, whatever computes.
    team = joined("cpu")
    with interruptible(), nullcontext() if team.is_first else hushed():
        try:
            yield team
        except LostProcess:
            raise
        except KeyboardInterrupt:
            team.wait("roll call when asked to stop", ROLL_CALL_SECONDS)
            raise
        except (ShapecycleError, OSError):
            # torchrun stops all when one has ended: first let all clear up.
            with suppress(LostProcess):
                team.wait("cleared up", END_SECONDS)
            raise
        finally:
            leave()


def own_device(name: str, team: "Team") -> str:
    """Return the device to compute on; of several processes each takes the GPU of its number.

    Raises:
        ConfigError: If it is not there.
    """
    import torch

    from shapecycle.devices import chosen_device

    device = chosen_device(name)
    if team.size > 1 and device == "cuda":
        device = chosen_device(f"cuda:{team.local_rank}")
        torch.cuda.set_device(device)
    return device
