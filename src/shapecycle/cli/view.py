"""``shapecycle view``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.inputs import Device, check_range
from shapecycle.console import say

if TYPE_CHECKING:
    from starlette.types import ASGIApp

FreePort = Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: a free one)")]


@dataclass(frozen=True)
class View:
    """Play with a model on a page in the browser: drop pictures and meshes, move sliders, swap.

    Example: shapecycle view cars
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    port: FreePort = None
    """On which the page is served, to this machine alone."""
    open: bool = False
    """Open the page in the browser."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Serve the page until Ctrl-C."""
        from shapecycle.devices import chosen_device
        from shapecycle.model import load
        from shapecycle.page.server import serve
        from shapecycle.page.view import view_application
        from shapecycle.page.workspace import Workspace

        check_port(self.port)
        name = self.model.absolute().name if self.model.exists() else str(self.model)
        workspace = Workspace(load(self.model, device=chosen_device(self.device)), name)

        def make(port: int) -> "ASGIApp":
            return view_application(workspace, port)

        serve(make, self.port, lambda address: announce(address, is_opened=self.open))


def check_port(port: int | None) -> None:
    """Raise if a port's number is none.

    Raises:
        ConfigError: Naming the option and its range.
    """
    if port is not None:
        check_range(port, 1, 65535, "--port")


def announce(address: str, *, is_opened: bool) -> None:
    """Say where a page is, and open it if that was asked for."""
    import webbrowser

    say("open this address in a browser of this machine; Ctrl-C ends")
    print(address, flush=True)
    if is_opened:
        webbrowser.open(address)
