"""A local web page on which a person labels slot images with the number keys."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mentor_reward.classifier.slots import SLOTS, states_of
from mentor_reward.dataset.labelled_images import LabelledImage, read_labels, write_labels

_MAX_BODY = 4096
_HOSTS = ("127.0.0.1", "localhost")


class Labelling:
    """The images of a folder and their labels; every change is on the disk when it returns.

    Args:
        folder: folder with labels.csv.
        camera: only images of this slot camera are shown; empty: all.
    """

    def __init__(self, folder: str | Path, camera: str = "") -> None:
        self.folder = Path(folder)
        self._all = read_labels(folder)
        self._shown = [i for i, image in enumerate(self._all) if camera in ("", image.camera)]
        self._index = {self._all[i].file: i for i in self._shown}
        self._left_out: set[str] = set()
        self._lock = threading.Lock()

    def listing(self) -> dict[str, Any]:
        """What the page shows: images in order, and the states of each camera."""
        images = [self._all[i] for i in self._shown]
        return {
            "images": [
                {
                    "file": image.file,
                    "camera": image.camera,
                    "state": image.state,
                    "left_out": image.file in self._left_out,
                }
                for image in images
            ],
            "states": {camera: [state.name for state in states_of(camera)] for camera in SLOTS},
        }

    def image(self, file: str) -> bytes:
        """The PNG of a listed image. Raises: KeyError for any other file."""
        return (self.folder / self._all[self._index[file]].file).read_bytes()

    def label(self, file: str, state: int | None, *, left_out: bool = False) -> LabelledImage:
        """Gives an image its state, or takes it back with None.

        Images that are left out keep no label, so that neither training nor evaluation sees them.

        Raises:
            KeyError: the file is not listed.
            ValueError: the state is none of the camera's.
        """
        with self._lock:
            index = self._index[file]
            image = self._all[index]
            if state is not None:
                state = int(states_of(image.camera)(state))
            self._all[index] = replace(image, state=state)
            (self._left_out.add if left_out else self._left_out.discard)(file)
            write_labels(self.folder, self._all)
            return self._all[index]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, labelling: Labelling, *args: Any) -> None:
        self._labelling = labelling
        super().__init__(*args)

    def _host_is_local(self) -> bool:
        """Answer a request for another host with a refusal.

        A page from elsewhere whose name was made to resolve to this machine (DNS rebinding) could
        read the images and label them otherwise.
        """
        host = self.headers.get("Host", "")
        name, _, port = host.partition(":")
        address: Any = self.server.server_address
        if name in _HOSTS and port in ("", str(address[1])):
            return True
        self._answer(HTTPStatus.FORBIDDEN, b"this page is for this machine only", "text/plain")
        return False

    def do_GET(self) -> None:
        if not self._host_is_local():
            return
        if self.path == "/":
            page = files(__package__).joinpath("label_page.html").read_bytes()
            self._answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
        elif self.path == "/api/images":
            listing = json.dumps(self._labelling.listing()).encode()
            self._answer(HTTPStatus.OK, listing, "application/json")
        elif self.path.startswith("/image/"):
            try:
                picture = self._labelling.image(unquote(self.path.removeprefix("/image/")))
            except (KeyError, OSError):
                self._answer(HTTPStatus.NOT_FOUND, b"no such image", "text/plain")
            else:
                self._answer(HTTPStatus.OK, picture, "image/png")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"no such page", "text/plain")

    def do_POST(self) -> None:
        if not self._host_is_local():
            return
        # A page from elsewhere can post here too, but not with this type of content.
        if self.path != "/api/label" or self.headers.get_content_type() != "application/json":
            self._answer(HTTPStatus.NOT_FOUND, b"no such page", "text/plain")
            return
        try:
            length = int(self.headers.get("Content-Length", 0))
            if not 0 < length <= _MAX_BODY:
                raise ValueError(f"body of {length} bytes")
            wanted = json.loads(self.rfile.read(length))
            self._labelling.label(
                wanted["file"], wanted["state"], left_out=bool(wanted.get("left_out", False))
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, str(error).encode(), "text/plain")
        else:
            self._answer(HTTPStatus.OK, b"{}", "application/json")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the page shows what goes wrong."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def make_server(labelling: Labelling, port: int = 0) -> ThreadingHTTPServer:
    """A server on the loopback interface only; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, labelling))
