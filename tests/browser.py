"""A Chromium for the tests of pages, and what it may and may not do."""

import base64
import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import numpy as np
import pytest
import uvicorn
from jaxtyping import Float
from PIL import Image
from starlette.types import ASGIApp

from shapecycle.page.server import listening

FOUND = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(FOUND is None, reason="there is no Chromium on this machine")
FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
WAIT = 60_000
"""Milliseconds, on a machine that does much else."""


@contextmanager
def served(make: Callable[[int], ASGIApp]) -> Iterator[str]:
    """Serve an application as the verbs do, in a thread; give its address."""
    with listening(None) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(make(port), log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(30)


class Browser:
    """A page, and what it asked for and complained of.

    Attributes:
        page: Of Playwright.
        asked: Addresses of all requests.
        complaints: Errors of scripts, and of the policy.
    """

    def __init__(self, browser: object) -> None:
        self.page = browser.new_page(viewport={"width": 1200, "height": 900})  # type: ignore[attr-defined]
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: object) -> None:
        if message.type == "error":  # type: ignore[attr-defined]
            self.complaints.append(message.text)  # type: ignore[attr-defined]

    def asked_others_than(self, address: str) -> list[str]:
        """Return what was asked of anybody else than a server, files, and the page itself."""
        own = urlsplit(address).netloc
        return [
            one
            for one in self.asked
            if urlsplit(one).scheme not in ("data", "blob", "file") and urlsplit(one).netloc != own
        ]

    def canvas(self) -> Float[np.ndarray, "h w 4"]:
        """Return what the canvas shows."""
        return _pixels(self.page.evaluate("document.getElementById('stage').toDataURL()"))

    def until(self, expression: str) -> None:
        """Wait until a script's expression holds; Playwright's own way needs a laxer policy."""
        end = time.monotonic() + WAIT / 1000
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            self.page.wait_for_timeout(50)

    def shown(self) -> str:
        """Return the key of the object that is shown."""
        key: str = self.page.get_attribute("body", "data-shown") or ""
        return key

    def after(self, act: Callable[[], object]) -> str:
        """Do something after which another object is shown; return its key."""
        before = self.shown()
        act()
        self.page.wait_for_selector(f"body[data-shown]:not([data-shown='{before}'])", timeout=WAIT)
        return self.shown()


@contextmanager
def browsing() -> Iterator[Callable[[], Browser]]:
    """Start the browser; give what opens a tab."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=FOUND, args=FLAGS)
        try:
            yield lambda: Browser(browser)
        finally:
            with suppress(Exception):
                browser.close()


def _pixels(uri: str) -> Float[np.ndarray, "h w 4"]:
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
