"""The page to play with a model."""

from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shapecycle.page.composition import Composition
from shapecycle.page.server import Refusal, Worker, application, json_of, upload
from shapecycle.page.share import environment
from shapecycle.page.workspace import Workspace

FILES: dict[str, tuple[Callable[[Workspace, str], tuple[str, bytes]], str, str]] = {
    "mesh.glb": (Workspace.glb, "model/gltf-binary", ".glb"),
    "picture.png": (Workspace.picture, "image/png", ".png"),
    "code.json": (Workspace.code, "application/json", ".json"),
}


def view_application(workspace: Workspace, port: int) -> ASGIApp:
    """Return the application of a page on which one plays with a model.

    Args:
        workspace: Makes objects.
        port: That it is served on.
    """
    worker = Worker()
    page = environment().get_template("view.html.j2").render(title=workspace.title)

    async def home(request: Request) -> Response:
        return HTMLResponse(page)

    async def model(request: Request) -> Response:
        return JSONResponse(await worker(workspace.about))

    async def inputs(request: Request) -> Response:
        name, contents = await upload(request)
        return JSONResponse(await worker(lambda: workspace.add_input(name, contents)))

    async def objects(request: Request) -> Response:
        composition = Composition.from_json(await json_of(request))
        return JSONResponse(await worker(lambda: workspace.compose(composition)))

    async def points(request: Request) -> Response:
        key = request.path_params["key"]
        return JSONResponse(await worker(lambda: workspace.points(key)))

    async def file(request: Request) -> Response:
        key, kind = request.path_params["key"], request.path_params["kind"]
        if kind not in FILES:
            raise Refusal(404, "there is no such file")
        contents_of, media_type, ending = FILES[kind]
        name, contents = await worker(lambda: contents_of(workspace, key))
        disposition = f"attachment; filename*=UTF-8''{quote(name + ending, safe='')}"
        return Response(
            contents, media_type=media_type, headers={"content-disposition": disposition}
        )

    return application(
        [
            Route("/", home),
            Route("/api/model", model),
            Route("/api/inputs", inputs, methods=["POST"]),
            Route("/api/objects", objects, methods=["POST"]),
            Route("/api/objects/{key}/points", points),
            Route("/api/objects/{key}/{kind}", file),
        ],
        port,
    )
