"""``shapecycle watch``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from shapecycle.cli.view import FreePort, announce, check_port

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True)
class Watch:
    """Watch a training on a page in the browser: losses, pictures, turntables, the time left.

    Example: shapecycle watch run
    """

    run_folder: Positional[Path]
    """The folder that `train --out` names; the training may go on, or be over."""
    port: FreePort = None
    """On which the page is served, to this machine alone."""
    open: bool = False
    """Open the page in the browser."""

    def run(self) -> None:
        """Serve the page until Ctrl-C."""
        from shapecycle.page.server import serve
        from shapecycle.page.watch import progress_of, watch_application

        check_port(self.port)
        progress_of(self.run_folder)

        def make(port: int) -> "ASGIApp":
            return watch_application(self.run_folder, port)

        serve(make, self.port, lambda address: announce(address, is_opened=self.open))
