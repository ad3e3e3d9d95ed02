"""Writes cameras of a cell file, and leaves the rest of it, other cameras too, as it is.

A camera whose values change is written on one line, in place of what the file has of it; comments
between the first and the last of its values are not kept. All other comments are, unless the
section ``cameras`` is itself written in braces and gets a new camera.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from mentor_common.cell.cell_file import AUTO, CameraCell, Cell, parse_cell
from mentor_common.files.atomic import write_atomically


def with_cameras(text: str, cameras: dict[str, CameraCell], file: str = "(text)") -> str:
    """Return a cell file's text with these cameras' values.

    Args:
        text: text of the file.
        cameras: by name; a camera that the file has and that is not named here stays.
        file: name of the file in refusals.

    Raises:
        TaskError: the text is no cell file.
    """
    present = parse_cell(text, file).cameras
    changed = {name: one for name, one in cameras.items() if present.get(name) != one}
    if not changed:
        return text
    found = _entry(yaml.compose(text, Loader=yaml.SafeLoader), "cameras")
    if found is None:
        result = text.rstrip("\n") + "\n\ncameras:\n" + _lines(changed, "  ")
    elif found[1].flow_style and not changed.keys() <= present.keys():
        key, section = found
        lines = _lines({**present, **changed}, "  ").rstrip("\n")
        result = text[: key.end_mark.index] + ":\n" + lines + text[_end(section) :]
    else:
        result = _with_values(text, found[1], changed)
    parse_cell(result, file)
    return result


def write_cameras(path: Path, cameras: dict[str, CameraCell]) -> Cell:
    """Write cameras of a cell file, which exists. Return the cell.

    Raises:
        TaskError: the file is no cell file.
        OSError: it cannot be read or written.
    """
    text = path.read_text(encoding="utf-8")
    result = with_cameras(text, cameras, str(path))
    write_atomically(path, result.encode())
    return parse_cell(result, str(path))


def _with_values(text: str, section: yaml.MappingNode, changed: dict[str, CameraCell]) -> str:
    """Return the text with the values of cameras that the section has, and lines for the others."""
    added = dict(changed)
    edits: list[tuple[int, int, str]] = []
    for key, value in section.value:
        if key.value not in changed:
            continue
        start, written = value.start_mark.index, _flow(added.pop(key.value))
        if "#" not in text[key.end_mark.index : start]:  # else a comment stands behind the key
            start, written = key.end_mark.index, f": {written}"
        edits.append((start, _end(value), written))
    if added:
        end_of_line = text.find("\n", _end(section))
        if end_of_line < 0:
            text += "\n"
            end_of_line = len(text) - 1
        indent = " " * section.value[0][0].start_mark.column
        edits.append((end_of_line + 1, end_of_line + 1, _lines(added, indent)))
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _entry(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.MappingNode] | None:
    """Return key and value of a mapping's entry; None: it has no such key."""
    assert isinstance(node, yaml.MappingNode)  # every cell file is one
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _end(node: yaml.Node) -> int:
    """Return where the node's own text ends; YAML counts the comments after a block to it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _lines(cameras: dict[str, CameraCell], indent: str) -> str:
    return "".join(f"{indent}{name}: {_flow(camera)}\n" for name, camera in cameras.items())


def _flow(camera: CameraCell) -> str:
    """Return a camera's values on one line of YAML."""
    parts = [f"serial: {json.dumps(camera.serial)}"]
    if camera.crop is not None:
        crop = camera.crop
        parts.append(
            f"crop: {{x: {crop.x}, y: {crop.y}, width: {crop.width}, height: {crop.height}}}"
        )
    for setting in ("exposure", "gain", "white_balance"):
        value = getattr(camera, setting)
        parts.append(f"{setting}: {AUTO if value is None else format(value, '.10g')}")
    return f"{{{', '.join(parts)}}}"
