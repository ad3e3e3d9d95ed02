"""Write docs/parameters.md: the parameters of every node, from the tables in the code.

python docs/write_parameters.py
"""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import entry_points
from pathlib import Path

from mentor_common.node.cell_node import STANDARD_PARAMETERS, CellNode
from mentor_common.node.parameters import Param, Value

PAGE = Path(__file__).parent / "parameters.md"
HEAD = """\
# Parameters of the nodes

Written by `python docs/write_parameters.py` from each node's `PARAMETERS`; do not edit it.

The launch files set most of them. A file that `params_file:=` names sets others, by the names of
the nodes, which are the headings of this page (of a camera's node: `camera_<name>`):

```
stacker:
  ros__parameters:
    max_age: 2.0
```

`start`: can be set at the start only. The others also change while the node runs; a value outside
the allowed ones is then refused. At the start it ends the node with an error, and so does an
unknown name.
"""
COLUMNS = "| parameter | type | default | allowed | start | what |\n|---|---|---|---|---|---|"


def node_classes() -> dict[str, type[CellNode]]:
    """Return the class of every node of the workspace, by `package/executable`, sorted."""
    found = {}
    for point in entry_points(group="console_scripts"):
        if not point.module.startswith("mentor_"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(point.module), inspect.isclass):
            if kind.__module__ == point.module and issubclass(kind, CellNode):
                found[f"{point.module.split('.')[0]}/{point.name}"] = kind
    return dict(sorted(found.items()))


def page() -> str:
    """Return the page."""
    parts = [HEAD, f"## Every node\n\n{_table(STANDARD_PARAMETERS)}\n"]
    for executable, kind in node_classes().items():
        parts.append(f"## {kind.NAME}\n\n`{executable}`\n\n{_table(tuple(kind.PARAMETERS))}\n")
    return "\n".join(parts)


def _table(parameters: tuple[Param, ...]) -> str:
    return "\n".join([COLUMNS, *map(_row, parameters)])


def _row(param: Param) -> str:
    cells = (
        f"`{param.name}`",
        param.type,
        _value(param.default),
        _allowed(param),
        "yes" if param.read_only else "",
        param.description,
    )
    return f"| {' | '.join(cells)} |".replace("<", r"\<")


def _value(value: Value) -> str:
    if value == "" or (not isinstance(value, (bool, int, float, str)) and not len(value)):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(param: Param) -> str:
    if param.choices:
        return ", ".join(_value(choice) for choice in param.choices)
    if param.low is None or param.high is None:
        ends = [("at least", param.low), ("at most", param.high)]
        return " ".join(f"{word} {_number(end)}" for word, end in ends if end is not None)
    return f"{_number(param.low)} to {_number(param.high)}"


def _number(bound: float) -> str:
    """Return a bound as people write it, e.g. 1,024 or 2^31 - 1."""
    for exponent in (31, 62):
        if bound in (2**exponent, 2**exponent - 1):
            return f"2^{exponent}" + (" - 1" if bound < 2**exponent else "")
    return f"{bound:,.10g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
