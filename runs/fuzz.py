"""Give the loaders of files what a stranger may send, and see that none crashes, hangs or swells.

    pip install atheris
    python runs/fuzz.py glb OUT [--inputs 100000] [--seed 0]      # or all loaders: all
    python runs/fuzz.py reconstruct OUT [--inputs 1000]

Atheris, which goes after what reaches new lines of the loader, changes small valid files; chunks
of GLB and PNG are put together again afterwards, so that what is inside is reached. Whatever a
loader raises but `ShapecycleError` is a crash; more than ten seconds, or 2 GB, end the run, too.
`all` runs every loader in a process of its own, and prints a line for each. Inputs that were found
are in OUT.

`reconstruct` sees pictures of random sizes, masks and modes with the model of cars, one after
another, and writes what was seen; pictures that are refused do not count.
"""

import argparse
import io
import json
import random
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

LOADERS = (
    "png", "jpeg", "webp", "mask", "obj", "ply", "stl", "off", "glb", "gltf", "model", "state",
    "code", "settings", "shard",
)  # fmt: skip
SECONDS, MEGABYTES = 10, 2048
LONGEST = 8192
"""Bytes of an input; loaders of larger files do the same more often."""
Seeds = list[bytes]


def main() -> None:
    """Fuzz one loader, or all, or reconstruct."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("loader", choices=[*LOADERS, "all", "reconstruct"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--inputs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.loader == "all":
        for loader in LOADERS:
            fuzz_apart(loader, arguments.out / loader, arguments.inputs or 100_000, arguments.seed)
    elif arguments.loader == "reconstruct":
        reconstruct(arguments.out, arguments.inputs or 1000, arguments.seed)
    else:
        fuzz(arguments.loader, arguments.out, arguments.inputs or 100_000, arguments.seed)


def fuzz_apart(loader: str, out: Path, inputs: int, seed: int) -> None:
    """Fuzz a loader in a process of its own, and print what came of it."""
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, loader, out, "--inputs", inputs, "--seed", seed]
    start = time.monotonic()
    said = subprocess.run(map(str, command), capture_output=True, text=True, check=False)
    log = said.stdout + said.stderr
    (out / "log.txt").write_text(log)
    done = re.findall(r"^#(\d+)", log, re.MULTILINE)
    peak = re.findall(r"rss: (\d+)Mb", log)
    slowest = re.findall(r"slowest input: ([\d.]+) s", log)
    accepted = re.findall(r"accepted: (\d+)", log)
    verdict = "ok" if said.returncode == 0 else f"ENDED WITH {said.returncode}: see {out}/log.txt"
    count = int(done[-1]) if done else 0
    print(
        f"{loader:<10} {count:>9,} inputs, {accepted[-1] if accepted else '?'} accepted, slowest "
        f"{slowest[-1] if slowest else '?'} s, "
        f"{max(map(int, peak), default=0)} MB, {time.monotonic() - start:.0f} s: {verdict}",
        flush=True,
    )


def fuzz(loader: str, out: Path, inputs: int, seed: int) -> None:
    """Let Atheris try a loader."""
    import atheris

    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    with atheris.instrument_imports(include=["shapecycle", "trimesh", "PIL", "tarfile", "yaml"]):
        load, seeds, mutate = target(loader, folder)
    from shapecycle.errors import ShapecycleError

    corpus = out / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, contents in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(contents)
    slowest, accepted, count = 0.0, 0, 0

    def one(contents: bytes) -> None:
        nonlocal slowest, accepted, count
        count += 1
        start = time.perf_counter()
        try:
            load(contents)
            accepted += 1
        except ShapecycleError:
            pass
        slowest = max(slowest, time.perf_counter() - start)
        if count in (inputs, inputs - 100):
            print(f"slowest input: {slowest:.2f} s\naccepted: {accepted}", flush=True)

    options = [
        f"-runs={inputs}", f"-seed={seed + 1}", f"-timeout={SECONDS}", f"-max_len={LONGEST}",
        f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={out}/", str(corpus),
    ]  # fmt: skip
    more = {"custom_mutator": mutate} if mutate is not None else {}
    atheris.Setup([sys.argv[0], *options], one, **more)
    atheris.Fuzz()


# Targets -----------------------------------------------------------------------------------------


def target(
    loader: str, folder: Path
) -> tuple[Callable[[bytes], object], Seeds, Callable[..., bytes] | None]:
    """Return what loads bytes, some that are valid, and what changes them, where bytes alone do
    not get far.
    """
    if loader in ("png", "jpeg", "webp", "mask"):
        return picture_target(loader, folder)
    if loader in ("obj", "ply", "stl", "off", "glb", "gltf"):
        return mesh_target(loader, folder)
    file = folder / "file"
    if loader in ("model", "state"):
        return weights_target(loader, file)
    if loader == "shard":
        from shapecycle.data.photo_parts import Part
        from shapecycle.data.shards import write_shard

        write_shard(folder / "seed.tar", [(k, {"png": pictures()[0], "json": b"{}"}) for k in "12"])

        def load(contents: bytes) -> None:
            file.write_bytes(contents)
            for _, photo in Part(file).read():
                photo()

        whole = (folder / "seed.tar").read_bytes().rstrip(b"\0")
        return load, [whole + bytes(-len(whole) % 512 + 1024)], tar_mutator
    if loader == "settings":
        from shapecycle.config import load_settings

        def load_yaml(contents: bytes) -> None:
            file.write_bytes(contents)
            load_settings("laptop", file)

        seeds = [b"train: {batch: 8}\nmodel: {image_size: 64}\n", b"train: &a {batch: *a}\n"]
        return load_yaml, seeds, None
    from shapecycle.graphics_code import GraphicsCode

    def load_code(contents: bytes) -> None:
        GraphicsCode.from_json(contents.decode(errors="replace"))

    return load_code, [code_json()], None


def code_json() -> bytes:
    """Return a graphics code as text, with a surface of its own."""
    import torch

    from shapecycle.camera import Pose
    from shapecycle.graphics_code import GraphicsCode, Texture

    texture = Texture(torch.zeros(1, 4), torch.rand(1, 4, 8, 8), None)
    pose = Pose(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, -2.0]]))
    code = GraphicsCode(torch.zeros(1, 4), texture, pose, torch.zeros(1, 9, 3))
    return json.dumps(code.to_json()).encode()


def pictures() -> Seeds:
    """Return a small masked picture in several modes, as PNG."""
    import numpy as np
    from PIL import Image

    pixels = np.zeros((24, 32, 4), np.uint8)
    pixels[6:18, 8:24] = 200, 100, 50, 255
    whole = Image.fromarray(pixels)
    found = []
    for picture in (whole, whole.convert("LA"), whole.convert("P"), whole.quantize(8)):
        file = io.BytesIO()
        picture.save(file, "PNG")
        found.append(file.getvalue())
    return found


def picture_target(
    loader: str, folder: Path
) -> tuple[Callable[[bytes], object], Seeds, Callable[..., bytes] | None]:
    """Return a target of pictures: masked ones, or as twins of masks."""
    from PIL import Image

    from shapecycle.data.photos import cropped, load_photo

    file = folder / "file.png"
    seeds = pictures()
    whole = Image.open(io.BytesIO(seeds[0]))
    if loader != "png":
        kind, picture = {
            "jpeg": ("JPEG", Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)),
            "webp": ("WEBP", whole),
            "mask": ("PNG", whole.getchannel("A")),
        }[loader]
        exif = Image.Exif()
        exif[0x0112] = 3
        seeds = []
        for more in ({}, {"progressive": True, "lossless": True}, {"exif": exif}):
            written = io.BytesIO()
            picture = picture.convert("RGB") if loader == "jpeg" else picture
            picture.save(written, kind, quality=95, **more)
            seeds.append(written.getvalue())
    if loader == "mask":
        (folder / "masks").mkdir()
        Image.open(io.BytesIO(pictures()[0])).convert("RGB").save(file)
        file = folder / "masks" / "file.png"

    def load(contents: bytes) -> None:
        file.write_bytes(contents)
        photo = load_photo(folder / "file.png", to_see=loader != "mask")
        if photo.rgba[0].size < 10_000:
            cropped(photo, size=32, margin=0.1)

    return load, seeds, png_mutator if loader in ("png", "mask") else None


def png_mutator(contents: bytes, longest: int, seed: int) -> bytes:
    """Change a chunk of a PNG, and give it its length and checksum again."""
    import atheris

    if seed % 4 == 0 or len(contents) < 20:
        return atheris.Mutate(contents, longest)
    chunks, at = [], 8
    while at + 8 <= len(contents):
        (length,) = struct.unpack_from(">I", contents, at)
        chunks.append([contents[at + 4 : at + 8], contents[at + 8 : at + 8 + length]])
        at += 12 + length
    if not chunks:
        return atheris.Mutate(contents, longest)
    source = random.Random(seed)
    chunk = source.choice(chunks)
    data = chunk[1]
    if chunk[0] == b"IDAT" and seed % 3 == 0:
        try:
            unpacked = zlib.decompressobj().decompress(data, LONGEST)
            data = zlib.compress(atheris.Mutate(unpacked, LONGEST))
        except zlib.error:
            data = atheris.Mutate(data, longest)
    else:
        data = atheris.Mutate(data, longest)
    chunk[1] = data
    if seed % 17 == 0:
        chunks.insert(source.randrange(len(chunks)), list(source.choice(chunks)))
    made = contents[:8]
    for kind, data in chunks:
        made += struct.pack(">I", len(data)) + kind + data
        made += struct.pack(">I", zlib.crc32(kind + data))
    return made[:longest]


def tar_mutator(contents: bytes, longest: int, seed: int) -> bytes:
    """Change a header of a tar file, and give it its checksum again."""
    import atheris

    blocks = len(contents) // 512
    if seed % 4 == 0 or not blocks:
        return atheris.Mutate(contents, longest)
    source, made = random.Random(seed), bytearray(contents)
    headers = [k for k in range(blocks) if made[512 * k + 257 : 512 * k + 262] == b"ustar"]
    at = 512 * source.choice(headers or range(blocks))
    for _ in range(source.randrange(1, 4)):
        first, length = source.choice(
            [(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155)]
        )
        if source.random() < 0.5:
            field = atheris.Mutate(bytes(made[at + first : at + first + length]), length)
        else:
            field = source.choice(
                [b"\xff" * 12, b"\x80" + b"\x7f" * 11, b"7" * 12, b"L", b"x", b"S", b"g"]
            )
        made[at + first : at + first + length] = field[:length].ljust(length, b"\0")
    made[at + 148 : at + 156] = b" " * 8
    made[at + 148 : at + 156] = b"%06o\0 " % sum(made[at : at + 512])
    if seed % 13 == 0:
        other = 512 * source.randrange(blocks)
        made[other:other] = made[at : at + 512]
    return bytes(made[:longest])


def mesh_target(
    loader: str, folder: Path
) -> tuple[Callable[[bytes], object], Seeds, Callable[..., bytes] | None]:
    """Return a target of meshes."""
    import trimesh

    from shapecycle.data.mesh_files import load_mesh

    box = trimesh.creation.box()
    seeds = []
    if loader == "gltf":
        made = trimesh.Scene([box]).export(file_type="gltf")
        scene = json.loads(made["model.gltf"])
        import base64

        for buffer in scene["buffers"]:
            data = base64.b64encode(made[buffer["uri"]]).decode()
            buffer["uri"] = f"data:application/octet-stream;base64,{data}"
        seeds = [json.dumps(scene).encode()]
    elif loader == "obj":
        seeds = [trimesh.exchange.obj.export_obj(box).encode()]
        seeds.append(b"mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl b\nf 1/1 2/1 3/1\n")
    elif loader == "off":
        seeds = [trimesh.exchange.off.export_off(box).encode()]
    elif loader == "stl":
        seeds = [trimesh.exchange.stl.export_stl(box)]
        seeds.append(trimesh.exchange.stl.export_stl_ascii(box).encode())
    elif loader == "ply":
        seeds = [trimesh.exchange.ply.export_ply(box)]
        seeds.append(trimesh.exchange.ply.export_ply(box, encoding="ascii"))
        head = "ply\nformat ascii 1.0\nelement vertex 2\n"
        head += "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
        seeds.append(f"{head}end_header\n0 0 0 0 0 1\n1 1 1 0 0 1\n".encode())
    else:
        seeds = [trimesh.Scene([box]).export(file_type="glb")]
    file = folder / f"file.{loader}"

    def load(contents: bytes) -> None:
        file.write_bytes(contents)
        load_mesh(file)

    return load, seeds, glb_mutator if loader == "glb" else None


def glb_mutator(contents: bytes, longest: int, seed: int) -> bytes:
    """Change the JSON or the numbers of a GLB, and give it its lengths again."""
    import atheris

    if seed % 4 == 0 or len(contents) < 28:
        return atheris.Mutate(contents, longest)
    (length,) = struct.unpack_from("<I", contents, 12)
    scene, data = contents[20 : 20 + length], contents[28 + length :]
    if seed % 4 == 1:
        data = atheris.Mutate(data or b"\0", longest)
    else:
        scene = atheris.Mutate(scene.rstrip(), longest)
    scene += b" " * (-len(scene) % 4)
    data += bytes(-len(data) % 4)
    made = struct.pack("<II", len(scene), 0x4E4F534A) + scene
    made += struct.pack("<II", len(data), 0x004E4942) + data
    return (struct.pack("<III", 0x46546C67, 2, 12 + len(made)) + made)[:longest]


def weights_target(
    loader: str, file: Path
) -> tuple[Callable[[bytes], object], Seeds, Callable[..., bytes] | None]:
    """Return a target of models, by their header, or of saved states."""
    import torch

    if loader == "state":
        from shapecycle.train.checkpoint import load_state, seen_images

        state = file.parent / "state"
        state.mkdir()
        seed = io.BytesIO()
        torch.save({"stages": [{"seen": 3}], "trainer": {"a": torch.zeros(2)}}, seed)

        def load(contents: bytes) -> None:
            (state / "1.pt").write_bytes(contents)
            load_state(state)
            seen_images(state)

        return load, [seed.getvalue()], None
    from shapecycle.model_file import load_model

    # The weights are as they are: 20 MB would be too slow, and say nothing.
    whole = (
        Path(__file__).parent.parent / "src/shapecycle/pretrained/cars.safetensors"
    ).read_bytes()
    (length,) = struct.unpack_from("<Q", whole)
    header = json.loads(whole[8 : 8 + length])
    about = json.loads(header["__metadata__"]["shapecycle"])
    about["notes"], about["card"] = [], {}
    few = {name: header[name] for name in list(header)[1:4]}
    few["__metadata__"] = {"shapecycle": json.dumps(about)}

    def load_header(contents: bytes) -> None:
        file.write_bytes(struct.pack("<Q", len(contents)) + contents + whole[8 + length :][:65536])
        load_model(file)

    return load_header, [json.dumps(few).encode()], None


# Reconstruct -------------------------------------------------------------------------------------


def reconstruct(out: Path, inputs: int, seed: int) -> None:
    """See pictures of all kinds, and print the slowest, the memory and what was refused."""
    import numpy as np

    from shapecycle.cli.seen_files import files_of_seen, seen_and_drawn
    from shapecycle.data.photos import load_photo
    from shapecycle.errors import ShapecycleError
    from shapecycle.model import load
    from shapecycle.seen import SeeOptions

    rng, model = np.random.default_rng(seed), load("cars")
    seen = refused = 0
    slowest = 0.0
    file = out / "picture"
    while seen < inputs:
        contents = random_picture(rng)
        file.write_bytes(contents)
        start = time.perf_counter()
        try:
            photo = load_photo(file, to_see=True)
            for some in seen_and_drawn(model, [photo], SeeOptions(int(rng.integers(0, 4)))):
                for one in some:
                    files_of_seen(photo, one, lambda size: None)
            seen += 1
        except ShapecycleError:
            refused += 1
        except Exception:
            (out / f"crash{seen}").write_bytes(contents)
            raise
        slowest = max(slowest, time.perf_counter() - start)
        if seen % 100 == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{seen} seen, {refused} refused, {slowest:.1f} s, {peak} MB", flush=True)


def random_picture(rng) -> bytes:
    """Return a picture of random size, format, mode, mask and colours, some of them damaged."""
    import numpy as np
    from PIL import Image

    height, width = (int(2 ** rng.uniform(0, 9.5)) for _ in range(2))
    if rng.random() < 0.02:
        height, width = sorted((int(rng.integers(1, 4)), int(rng.integers(1000, 16_300))))
    kind = rng.integers(6)
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    mask = {
        0: lambda: (x - rng.random()) ** 2 + (y - rng.random()) ** 2 < rng.random() ** 2,
        1: lambda: rng.random((height, width)) < rng.random(),
        2: lambda: np.abs(x - rng.random()) < 0.02,
        3: lambda: (x > rng.random()) | (y < 0.1 * rng.random()),
        4: lambda: np.arange(height * width).reshape(height, width) == rng.integers(height * width),
        5: lambda: np.sin(20 * x * rng.random()) * np.cos(20 * y) > rng.random() - 0.5,
    }[int(kind)]()
    pixels = np.zeros((height, width, 4), np.uint8)
    colours = (
        rng.integers(0, 256, (height, width, 3)) if rng.random() < 0.3 else rng.integers(0, 256, 3)
    )
    pixels[..., :3] = colours
    pixels[..., 3] = mask * (rng.integers(1, 256) if rng.random() < 0.2 else 255)
    mode = rng.choice(["RGBA", "RGBA", "RGBA", "LA", "L", "RGB", "P", "1"])
    picture = Image.fromarray(pixels)
    if mode in ("L", "1"):
        picture = picture.getchannel("A")
    picture, file = picture.convert(str(mode)), io.BytesIO()
    form = "PNG" if mode in ("P", "1", "LA") else str(rng.choice(["PNG", "WEBP", "JPEG"]))
    if form == "JPEG" and mode not in ("L", "RGB"):
        form = "PNG"
    if form == "WEBP" and mode == "L":
        form = "PNG"
    picture.save(file, form)
    contents = bytearray(file.getvalue())
    if rng.random() < 0.1:
        for _ in range(int(rng.integers(1, 5))):
            contents[int(rng.integers(len(contents)))] = int(rng.integers(256))
    return bytes(contents)


if __name__ == "__main__":
    main()
