"""glTF files that promise more than they hold, or hold what is not read, are refused at once."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from shapecycle.data.mesh_files import load_mesh
from shapecycle.errors import DataError


def write_glb(path: Path, accessor: dict[str, Any]) -> Path:
    """Write a scene of one triangle whose positions an accessor gives."""
    tree = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"componentType": 5126, "type": "VEC3", "count": 3} | accessor],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36}],
    }
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    data = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(data))
        + struct.pack("<I4s", len(text), b"JSON") + text
        + struct.pack("<I4s", len(data), b"BIN\0") + data
    )  # fmt: skip
    return path


def test_a_triangle_is_read(tmp_path: Path) -> None:
    assert len(load_mesh(write_glb(tmp_path / "a.glb", {"bufferView": 0})).faces) == 1


@pytest.mark.parametrize(
    ("accessor", "said"),
    [
        ({"count": 100_000_000}, "positions or the like that it does not hold"),
        ({"bufferView": 0, "sparse": {"count": 1}}, "sparse accessors"),
    ],
)
def test_what_is_not_there_or_not_read_is_refused(
    accessor: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        load_mesh(write_glb(tmp_path / "a.glb", accessor))
