"""The tests themselves: no connection leaves this machine, whoever opens it."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

SCRIPT = "import socket; socket.create_connection(('198.51.100.1', 80), timeout=1)"


def test_no_connection_leaves_this_machine() -> None:
    with pytest.raises(PermissionError, match="must not reach"):
        socket.create_connection(("198.51.100.1", 80), timeout=1)
    with pytest.raises(PermissionError, match="must not reach"):
        socket.getaddrinfo("example.org", 80)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unconnected,
        pytest.raises(PermissionError, match="must not reach"),
    ):
        unconnected.sendto(b"", ("198.51.100.1", 53))
    with pytest.raises((PermissionError, urllib.error.URLError), match="must not reach"):
        urllib.request.urlopen("http://198.51.100.1/", timeout=1)


def test_no_connection_of_a_process_that_tests_start_does() -> None:
    command = [sys.executable, "-c", SCRIPT]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "must not reach 198.51.100.1" in said.stderr


def test_this_machine_itself_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
