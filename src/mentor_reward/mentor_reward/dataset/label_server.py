"""A local web page on which a person labels slot images with the number keys."""

from __future__ import annotations

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
from mentor_reward.dataset.label_changes import change_labels
from mentor_reward.dataset.labelled_images import LABELS, LabelledImage, read_labels


class Labelling:
    """The images of a folder and their labels; each change is written before it returns.

    Other processes may add images and labels meanwhile: each change is made in labels.csv as it is
    then.

    Args:
        folder: folder with labels.csv.
        camera: only images of this slot camera are shown; empty: all.
    """

    def __init__(self, folder: str | Path, camera: str = "") -> None:
        self.folder, self._camera = Path(folder), camera
        self._left_out: set[str] = set()
        self._shown = {image.file for image in self._read()}

    def listing(self) -> dict[str, Any]:
        """Return what the page shows: the images in order, and the states of each camera."""
        images = self._read()
        self._shown = {image.file for image in images}
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
        if file not in self._shown:
            raise KeyError(file)
        return (self.folder / file).read_bytes()

    def label(self, file: str, state: int | None, *, left_out: bool = False) -> LabelledImage:
        """Label an image.

        Args:
            file: a listed image.
            state: its class; None removes the label.
            left_out: whether the image is to be used neither in training nor in evaluation.

        Returns:
            The image with its label.

        Raises:
            ValueError: the file is not listed, or the camera has no such state.
        """
        labelled: list[LabelledImage] = []

        def change(images: list[LabelledImage]) -> list[LabelledImage]:
            found = [i for i, one in enumerate(images) if one.file == file and self._shows(one)]
            if not found:
                raise ValueError(
                    f"{self.folder / LABELS} does not list '{file}'; load the page again"
                )
            image = images[found[0]]
            known = None if state is None else int(states_of(image.camera)(state))
            images[found[0]] = replace(image, state=known)
            labelled.append(images[found[0]])
            return images

        change_labels(self.folder, change)
        (self._left_out.add if left_out else self._left_out.discard)(file)
        return labelled[0]

    def _read(self) -> list[LabelledImage]:
        return [image for image in read_labels(self.folder) if self._shows(image)]

    def _shows(self, image: LabelledImage) -> bool:
        return self._camera in ("", image.camera)


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
