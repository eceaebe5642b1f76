"""In every Python process of the tests: no connection leaves this machine.

Python imports a module of this name when it starts, wherever its path leads there.
"""

import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

NAMES = {"localhost", "", socket.gethostname()}
OWN: set[str] = set()
with suppress(OSError):
    OWN |= {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as none:
    # Nothing is sent: the system only says from which of its addresses it would be.
    none.connect(("198.51.100.1", 9))
    OWN.add(none.getsockname()[0])
RESOLVING = ("socket.getaddrinfo", "socket.gethostbyname")


def is_here(host: object) -> bool:
    """Whether a name or address is of this machine itself."""
    name = "" if host is None else host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ip_address(name)
    except ValueError:
        return name in NAMES
    return address.is_loopback or address.is_unspecified or name in OWN


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise where a socket is to reach another machine."""
    if event in RESOLVING:
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # Others are paths, and what has no address is connected already.
        host = address[0] if isinstance(address, tuple) else None
    else:
        return
    if not is_here(host):
        raise PermissionError(f"the tests must not reach {host} ({event})")


sys.addaudithook(refuse)
