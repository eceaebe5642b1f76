"""A server for this machine alone: foreign pages are refused, and so are large uploads."""

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shapecycle.errors import ConfigError, ShapecycleError

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
MAX_UPLOAD = 32 * 2**20
"""Bytes of a file that a page may send."""
MAX_JSON = 64 * 2**10
GRACE_SECONDS = 2
"""That requests have to come to an end when the server is asked to."""
MAX_WAITING = 16
"""Requests that may wait for the model; more are sent away."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Blobs are textures, which the viewer takes out of meshes."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
RESOURCES = ("style.css", "viewer.js", "view.js", "watch.js", "vendor/three.js")
TYPES = {".js": "text/javascript", ".css": "text/css"}
T = TypeVar("T")


class Refusal(Exception):
    """A request that is not answered.

    Args:
        status: Of HTTP.
        reason: In words.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Guard:
    """Lets in what this machine's own pages ask, and nobody else.

    A page of another site could name this server by an address that it controls (DNS rebinding),
    which its Host tells, or send it requests, which their Origin tells.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        reason = self._reason_to_refuse(scope)
        if reason:
            await PlainTextResponse(reason, 403)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def _reason_to_refuse(self, scope: Scope) -> str:
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value.decode("latin-1"))
        hosts, origins = headers.get(b"host", []), headers.get(b"origin", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return "this server answers to its own address alone"
        if any(origin.lower() not in self.origins for origin in origins):
            return "this server answers to its own pages alone"
        # A link may lead to the page, which nobody can frame or read from elsewhere.
        is_link = (
            scope["method"] == "GET"
            and scope["path"] == "/"
            and headers.get(b"sec-fetch-mode", [""])[0] == "navigate"
            and headers.get(b"sec-fetch-dest", [""])[0] == "document"
        )
        is_foreign = headers.get(b"sec-fetch-site", ["none"])[0] in ("cross-site", "same-site")
        if is_foreign and not is_link:
            return "this server answers to its own pages alone"
        return ""


class Worker:
    """One thread that computes, for all requests: a second one would halve the speed of both."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._waiting = 0

    async def __call__(self, work: Callable[[], T]) -> T:
        """Do something when all that came before is done.

        Raises:
            Refusal: If too much waits already.
        """
        if self._waiting >= MAX_WAITING:
            raise Refusal(503, "too many requests wait already: try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def application(routes: Sequence[BaseRoute], port: int) -> ASGIApp:
    """Return an application with a page, its resources, and what it asks for.

    Args:
        routes: Those of the page.
        port: That it is served on.
    """
    handlers: dict[Any, Any] = {Refusal: _refused, ShapecycleError: _failed}
    app = Starlette(
        routes=[*routes, Route("/static/{name:path}", _static)], exception_handlers=handlers
    )
    return Guard(app, port)


async def upload(request: Request) -> tuple[str, bytes]:
    """Return the name and contents of a file that a page sent.

    Raises:
        Refusal: If it is too large.
    """
    contents = await _body(request, MAX_UPLOAD)
    # Its last part alone, and on one line: it becomes a heading and a file's name.
    given = unquote(request.headers.get("x-name", "input")).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(letter for letter in given if letter.isprintable()).strip()
    return name[-100:] or "input", contents


async def json_of(request: Request) -> Any:
    """Return what a page sent as JSON.

    Raises:
        Refusal: If it is none, or too large.
    """
    try:
        return json.loads(await _body(request, MAX_JSON))
    except (ValueError, RecursionError) as fault:
        raise Refusal(400, "this is not JSON") from fault


def serve(make: Callable[[int], ASGIApp], port: int | None, ready: Callable[[str], None]) -> None:
    """Serve an application until it is interrupted.

    Args:
        make: Makes the application that is served on a port.
        port: On which; by default a free one.
        ready: Is told the address.

    Raises:
        ConfigError: If the port is taken.
    """
    import uvicorn

    with listening(port) as listener:
        number = listener.getsockname()[1]
        config = uvicorn.Config(
            make(number),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        ready(f"http://{HOST}:{number}/")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def listening(port: int | None) -> socket.socket:
    """Return a socket that listens on this machine's own address.

    Raises:
        ConfigError: If the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port or 0))
        listener.listen()
    except OSError as fault:
        listener.close()
        raise ConfigError(
            f"--port {port} cannot be used: {fault.strerror}", "name another, or leave it out"
        ) from fault
    return listener


async def _body(request: Request, limit: int) -> bytes:
    contents = bytearray()
    try:
        async for chunk in request.stream():
            contents += chunk
            if len(contents) > limit:
                raise Refusal(413, f"this is larger than {limit // 2**20 or limit / 2**20} MB")
    except ClientDisconnect:
        raise Refusal(400, "the rest of this never came") from None
    return bytes(contents)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in RESOURCES:
        raise Refusal(404, "there is no such file")
    contents = (files("shapecycle.page") / name).read_bytes()
    return Response(contents, media_type=TYPES[name[name.rindex(".") :]])


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refusal)
    return JSONResponse({"error": fault.reason, "hint": ""}, fault.status)


async def _failed(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, ShapecycleError)
    return JSONResponse({"error": fault.what, "hint": fault.hint}, 422)
