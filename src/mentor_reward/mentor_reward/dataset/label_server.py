"""A local web page on which a person labels slot images with the number keys."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mentor_common.cli.local_page import LocalPage
from mentor_reward.classifier.slots import SLOTS, states_of
from mentor_reward.dataset.labelled_images import LabelledImage, read_labels, write_labels


class Labelling:
    """The images of a folder and their labels; each change is written before it returns.

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
        """Return what the page shows: the images in order, and the states of each camera."""
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
        """Return the PNG of a listed image. Raises: KeyError for any other file."""
        return (self.folder / self._all[self._index[file]].file).read_bytes()

    def label(self, file: str, state: int | None, *, left_out: bool = False) -> LabelledImage:
        """Label an image.

        Args:
            file: a listed image.
            state: its class; None removes the label.
            left_out: whether the image is to be used neither in training nor in evaluation.

        Raises:
            KeyError: the file is not listed.
            ValueError: the camera has no such state.
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


class _Handler(LocalPage):
    def __init__(self, labelling: Labelling, *arguments: Any) -> None:
        self._labelling = labelling
        super().__init__(*arguments)

    def get(self, path: str) -> None:
        """Send the page, the list of images, or an image."""
        if path == "/":
            page = files(__package__).joinpath("label_page.html").read_bytes()
            self.send("text/html; charset=utf-8", page)
        elif path == "/api/images":
            self.send_json(self._labelling.listing())
        elif path.startswith("/image/"):
            try:
                picture = self._labelling.image(unquote(path.removeprefix("/image/")))
            except (KeyError, OSError):
                self.send_text("no such image", HTTPStatus.NOT_FOUND)
            else:
                self.send("image/png", picture)
        else:
            self.send_text("no such page", HTTPStatus.NOT_FOUND)

    def post(self, path: str, content: Any) -> None:
        """Label an image."""
        if path != "/api/label":
            self.send_text("no such page", HTTPStatus.NOT_FOUND)
            return
        left_out = bool(content.get("left_out", False))
        self._labelling.label(content["file"], content["state"], left_out=left_out)
        self.send_json({})


def make_server(labelling: Labelling, port: int = 0) -> ThreadingHTTPServer:
    """Return the page's server, for this machine only; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, labelling))
