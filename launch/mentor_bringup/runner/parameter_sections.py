"""Which nodes the sections of a parameter file are for, by the rules of rcl.

``python -m mentor_bringup.runner.parameter_sections FILE [NODE ...]``: check a file as the launch
files do; status 2 and one line where it is refused. Without names of nodes its form alone is
checked.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from mentor_bringup.runner.parameters import check_parameter_file
from mentor_bringup.runner.refusal import LaunchRefused


def check_sections(path: str, nodes: Sequence[str]) -> None:
    """Check that each section of a parameter file is for a node of the launch.

    A section of another namespace may be for another cell.

    Args:
        path: of the file, whose form has been checked.
        nodes: full names of the nodes.

    Raises:
        LaunchRefused: a section is for no node, so that its parameters would have no effect.
    """
    names = sorted({node.rpartition("/")[2] for node in nodes})
    for section in _sections(yaml.safe_load(Path(path).read_text()) or {}):
        full = "/" + section.lstrip("/")
        namespace, _, name = full.rpartition("/")
        if any(matches(full, node) for node in nodes) or "*" in name:
            continue
        what = f"params_file:={path}: section '{section}'"
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise LaunchRefused(
                f"{what} is no node of this launch; {hint}known: {', '.join(names)}"
            )
        if not namespace:
            right = next(node for node in nodes if node.endswith(f"/{name}"))
            raise LaunchRefused(
                f"{what} is for a node without a namespace; this launch has '{right}' (and "
                f"'/**/{name}' is this node in any namespace)"
            )


def matches(section: str, node: str) -> bool:
    """Return whether a section is for a node, given both full names; `*` is one name, `**` are any
    number of names."""
    pattern = re.escape(section).replace(r"/\*\*", r"(/\w+)*").replace(r"/\*", r"/\w+")
    return re.fullmatch(pattern, node) is not None


def _sections(content: dict[Any, Any], above: str = "") -> Iterator[str]:
    """Yield the sections' names, namespaces that are levels of their own joined to them."""
    for key, inner in content.items():
        name = f"{above}/{key}" if above else str(key)
        if "ros__parameters" in inner:
            yield name
        deeper = {k: v for k, v in inner.items() if k != "ros__parameters"}
        yield from _sections(deeper, name)


if __name__ == "__main__":
    try:
        check_parameter_file(sys.argv[1])
        if sys.argv[2:]:
            check_sections(sys.argv[1], sys.argv[2:])
    except LaunchRefused as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(2)
