"""Records a cell into bags, replays and compares them, and shows the cell live."""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
