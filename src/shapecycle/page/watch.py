"""The page that shows a training: losses, pictures, the time left, and what is made by now."""

import json
import tempfile
import time
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shapecycle.errors import CheckpointError
from shapecycle.model import load
from shapecycle.model_file import MODEL_NAME
from shapecycle.page.server import Refusal, Worker, application
from shapecycle.page.share import environment
from shapecycle.train.card import CARD_NAME
from shapecycle.train.journal import JOURNAL_NAME, PANELS, share_done
from shapecycle.turntable import save_animation, turned

NUMBERS = ("images", "progress", "seconds", "images_per_second")
"""What every line holds beside its stage and the losses."""
POINTS = 240
"""Of each curve, at most."""
TURNED, FRAMES, SIDE = 3, 24, 160
"""Objects that turn beside each other, views of each, and pixels along a side."""


def progress_of(run: Path) -> dict[str, Any]:
    """Return what a run's journal says: the last status, and curves of all losses by images seen.

    A line that is only just being written is left out.

    Raises:
        CheckpointError: If the run has no journal.
    """
    file = run / JOURNAL_NAME
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
        age = time.time() - file.stat().st_mtime
    except OSError as fault:
        if not run.is_dir():
            raise CheckpointError(
                f"{run}: there is no such folder", "give the folder that `train --out` names"
            ) from fault
        raise CheckpointError(
            f"{run} holds no training: {JOURNAL_NAME} cannot be read ({fault.strerror})",
            "give the folder that `train --out` names",
        ) from fault
    lines = [found for line in text.splitlines() if (found := _line(line))]
    curves: dict[str, list[tuple[int, float]]] = {}
    broken: dict[str, int] = {}
    for one in lines:
        for name, value in one["losses"].items():
            if isfinite(value):
                curves.setdefault(name, []).append((one["images"], float(value)))
            else:
                broken[name] = one["images"]
    status = {
        name: value for name, value in (lines[-1] if lines else {}).items() if name != "losses"
    }
    return {
        "status": status,
        "share": 1.0 if _is_over(run, file) else share_done(status) if status else 0.0,
        "age": age,
        "curves": {name: _thinned(points) for name, points in sorted(curves.items())},
        "broken": broken,
        "panels": panels_of(run),
        "has_model": (run / MODEL_NAME).is_file(),
    }


def panels_of(run: Path) -> list[str]:
    """Return the names of a run's panels: files that it wrote, and no links to other places."""
    return sorted(
        path.name
        for path in (run / PANELS).glob("*.png")
        if path.stem.isdecimal() and path.is_file() and not path.is_symlink()
    )


def turntable_of(run: Path) -> bytes:
    """Return an animation (GIF) of objects that the run's last saved model makes.

    Raises:
        CheckpointError: If it has saved none yet.
    """
    model = load(run)
    strips = []
    for seed in range(TURNED):
        generator = torch.Generator().manual_seed(seed)
        shape = model.sample_shape(1, generator)
        surface = model.nearest_surface(shape)
        code = model.sample_appearance(shape, generator, surface=surface)
        strips.append(turned(model, code, SIDE, FRAMES))
    frames = [np.concatenate(views, axis=1) for views in zip(*strips, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "turntable.gif"
        save_animation(file, frames, None)
        return file.read_bytes()


def watch_application(run: Path, port: int) -> ASGIApp:
    """Return the application of a page that shows a training.

    Args:
        run: Its folder.
        port: That it is served on.
    """
    worker = Worker()
    page = environment().get_template("watch.html.j2").render(title=run.absolute().name)
    kept: dict[float, bytes] = {}

    def turntable() -> bytes:
        file = run / MODEL_NAME
        if not file.is_file():
            raise CheckpointError("no model is saved yet", "wait until the run saves its state")
        saved = file.stat().st_mtime
        if saved not in kept:
            contents = turntable_of(run)
            kept.clear()
            kept[saved] = contents
        return kept[saved]

    async def home(request: Request) -> Response:
        return HTMLResponse(page)

    async def progress(request: Request) -> Response:
        return JSONResponse(await worker(lambda: progress_of(run)))

    async def panel(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in panels_of(run):
            raise Refusal(404, "there is no such picture")
        return FileResponse(run / PANELS / name, media_type="image/png")

    async def turns(request: Request) -> Response:
        return Response(await worker(turntable), media_type="image/gif")

    return application(
        [
            Route("/", home),
            Route("/api/progress", progress),
            Route("/api/panels/{name}", panel),
            Route("/api/turntable.gif", turns),
        ],
        port,
    )


def _line(text: str) -> dict[str, Any]:
    """Return what a line says; nothing if it is none of a journal's."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("losses"), dict):
        return {}
    values = [*found["losses"].values(), *(found.get(name, 0.0) for name in NUMBERS)]
    left = found.get("seconds_left")
    values += [] if left is None else [left]
    if not all(type(value) in (int, float) for value in values):
        return {}
    if not all(isfinite(found.get(name, 0.0)) for name in NUMBERS) or "progress" not in found:
        return {}
    return {"stage": "", "images": 0, "seconds": 0.0, "seconds_left": None} | found


def _is_over(run: Path, journal: Path) -> bool:
    """Whether the training came to its end: then it writes its card, last of all."""
    card = run / CARD_NAME
    return card.is_file() and card.stat().st_mtime >= journal.stat().st_mtime


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return a curve of few points: the means of runs of them."""
    count = -(-len(points) // POINTS)
    runs = [points[k : k + count] for k in range(0, len(points), count)]
    return [(some[-1][0], sum(value for _, value in some) / len(some)) for some in runs]
