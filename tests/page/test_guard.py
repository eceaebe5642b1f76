"""The server answers this machine's own pages, and nobody else."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browser import served
from remembering import remembering_model

from shapecycle.errors import ConfigError
from shapecycle.page import server
from shapecycle.page.server import listening
from shapecycle.page.view import view_application
from shapecycle.page.workspace import Workspace


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    workspace = Workspace(remembering_model(2), "cars")
    with served(lambda port: view_application(workspace, port)) as address:
        yield address


def asked(
    address: str, path: str, *, body: bytes | None = None, **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Ask as no browser would; return status, text and headers."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST" if body is not None else "GET", path, body, named)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}


def test_its_own_page_is_answered_with_a_strict_policy(address: str) -> None:
    status, text, headers = asked(address, "/")
    assert status == 200
    assert "<title>cars: shapecycle</title>" in text
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80"])
def test_a_server_named_otherwise_does_not_answer(host: str, address: str) -> None:
    for path in ("/", "/api/model", "/static/style.css"):
        assert asked(address, path, Host=host)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_pages_of_others_are_refused(headers: dict[str, str], address: str) -> None:
    assert asked(address, "/api/model", **headers)[0] == 403
    assert asked(address, "/api/objects", body=b"{}", **headers)[0] == 403


def test_a_link_leads_to_the_page_and_nowhere_else(address: str) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert asked(address, "/", **link, Sec_Fetch_Dest="document")[0] == 200
    assert asked(address, "/", **link, Sec_Fetch_Dest="iframe")[0] == 403
    assert asked(address, "/api/model", **link, Sec_Fetch_Dest="document")[0] == 403


def test_its_own_origin_is_let_in(address: str) -> None:
    for origin in (address, address.replace("127.0.0.1", "localhost")):
        assert asked(address, "/api/model", Origin=origin)[0] == 200


def test_large_uploads_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_UPLOAD", 1000)
    status, text, _ = asked(address, "/api/inputs", body=b"x" * 1001)
    assert status == 413
    assert "larger" in text


@pytest.mark.parametrize(
    "name", ["a.exe", "..%2F..%2Fetc%2Fpasswd", "a.png", "%3Cscript%3E.png", "a.obj", ""]
)
def test_files_that_are_none_are_named_without_where_they_lay(name: str, address: str) -> None:
    status, text, _ = asked(address, "/api/inputs", body=b"no picture", X_Name=name)
    assert status == 422
    assert "/tmp" not in text
    assert "etc/" not in text


def every_part(origin: object, **more: object) -> bytes:
    """Return a composition all of whose parts come from one place."""
    return json.dumps(dict.fromkeys(("shape", "texture", "pose", "light"), origin) | more).encode()


@pytest.mark.parametrize(
    "composition",
    [
        b"{",
        b"[" * 60_000,
        b"null",
        b"{}",
        every_part({"seed": -1}),
        every_part({"seed": 1.5}),
        every_part({"seed": True}),
        every_part({"seed": 1, "input": "a"}),
        every_part({"input": "not there"}),
        every_part({"seed": 1}, along={"shape": [1e9]}),
        every_part({"seed": 1}, along={"shape": [0] * 99}),
        every_part({"seed": 1}, hypothesis=5),
        every_part({"seed": 1}, surface="gold"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(composition: bytes, address: str) -> None:
    status, text, _ = asked(address, "/api/objects", body=composition)
    assert status in (400, 422)
    assert json.loads(text)["error"]


@pytest.mark.parametrize(
    "path", ["/static/server.py", "/static/../server.py", "/static//etc/passwd"]
)
def test_only_what_pages_need_is_given_out(path: str, address: str) -> None:
    assert asked(address, f"/static/{path}")[0] == 404


def test_objects_that_are_not_there_are_not_found(address: str) -> None:
    assert asked(address, "/api/objects/nothing/mesh.glb")[0] == 422
    assert asked(address, "/api/objects/nothing/passwd")[0] == 404


def test_a_port_that_is_taken_is_named() -> None:
    with listening(None) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port {port}"):
            listening(port)
