"""Writes the cameras of a cell file, and leaves the rest of it, comments too, as it is."""

from __future__ import annotations

import re
from pathlib import Path

from mentor_common.cell.cell_file import AUTO, CameraCell, Cell, parse_cell
from mentor_common.files.atomic import write_atomically

_SECTION = re.compile(r"^cameras:.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def with_cameras(text: str, cameras: dict[str, CameraCell]) -> str:
    """Return a cell file's text with these cameras instead of its own.

    Args:
        text: text of the file.
        cameras: by name.

    Raises:
        TaskError: the result is no cell file.
    """
    lines = ["cameras:"]
    for name, camera in cameras.items():
        parts = [f'serial: "{camera.serial}"']
        if camera.crop is not None:
            crop = camera.crop
            parts.append(
                f"crop: {{x: {crop.x}, y: {crop.y}, width: {crop.width}, height: {crop.height}}}"
            )
        for setting in ("exposure", "gain", "white_balance"):
            value = getattr(camera, setting)
            parts.append(f"{setting}: {AUTO if value is None else format(value, 'g')}")
        lines.append(f"  {name}: {{{', '.join(parts)}}}")
    section = "\n".join(lines) + "\n"
    if _SECTION.search(text):
        result = _SECTION.sub(lambda _: section, text, count=1)
    else:
        result = text.rstrip("\n") + "\n\n" + section
    parse_cell(result)
    return result


def write_cameras(path: Path, cameras: dict[str, CameraCell]) -> Cell:
    """Write a cell file's cameras; a file that is not there is begun. Return the cell."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"name: {path.stem}\n"
    result = with_cameras(text, cameras)
    write_atomically(path, result.encode())
    return parse_cell(result, str(path))
