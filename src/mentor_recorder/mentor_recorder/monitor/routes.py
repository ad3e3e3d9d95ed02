"""What the server answers to a GET: the page's files, and bags."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from mentor_common.bags.reader import BagError
from mentor_recorder.monitor.bag_view import BagShelf, encoded
from mentor_recorder.monitor.server import Answer

PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    **{
        f"/{name}": (name, "text/javascript; charset=utf-8")
        for name in ("page.js", "socket.js", "charts.js", "arm.js", "timeline.js")
    },
    "/style.css": ("style.css", "text/css; charset=utf-8"),
}


class Routes:
    """Answers GETs.

    Args:
        shelf: the bags that may be opened.
        live: whether there is a cell to watch.
    """

    def __init__(self, shelf: BagShelf, *, live: bool) -> None:
        self._shelf = shelf
        self._live = live

    def get(self, target: str) -> Answer:
        """Answer a request for a path with its query."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            if parts.path in PAGE:
                name, kind = PAGE[parts.path]
                content = files(__package__).joinpath("page", name).read_bytes()
                return HTTPStatus.OK, kind, content
            if parts.path == "/bags":
                names, folder = self._shelf.names(), self._shelf.folder.resolve().name
                return _json({"bags": names, "folder": folder, "live": self._live})
            if parts.path == "/bag":
                return _json(self._shelf.open(query.get("name", "")).as_json())
            if parts.path == "/step":
                index = self._shelf.open(query.get("name", ""))
                return _json(index.step(int(query["episode"]), int(query["step"])))
            if parts.path == "/favicon.ico":
                return HTTPStatus.NO_CONTENT, "image/x-icon", b""
        except (BagError, KeyError, ValueError, OSError) as error:
            return HTTPStatus.NOT_FOUND, "text/plain", str(error).encode()
        return HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page"


def _json(content: object) -> Answer:
    return HTTPStatus.OK, "application/json", encoded(content)
