"""The two kinds of addresses: those that show (GET and HEAD) and those that act (POST)."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response


def show(app: FastAPI, path: str, endpoint: Callable[..., Response]) -> None:
    """Answer GET and HEAD at `path`. The endpoint may only read."""
    app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)


def act(app: FastAPI, path: str, endpoint: Callable[..., Response]) -> None:
    """Answer POST at `path`."""
    app.add_api_route(path, endpoint, methods=["POST"], response_model=None)


def moved(path: str) -> Response:
    """For good at another path of this site: never another host, whatever name we were called by."""
    return RedirectResponse("/" + path.lstrip("/"), status_code=301)
