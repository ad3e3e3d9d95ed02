"""The reset node with a routine whose device fails as the environment variable BROKEN names it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mentor_common.tasks.reset_routine import ResetContext
from mentor_reset.nodes.reset_node import main
from mentor_reset.routines.cable_routing import CableRoutingReset

ERRORS = {"unplugged": OSError("the board is unplugged"), "bug": KeyError("pin")}


def parts(self: CableRoutingReset, context: ResetContext) -> Iterator[None]:
    raise ERRORS[os.environ["BROKEN"]]
    yield


if __name__ == "__main__":
    CableRoutingReset.parts = parts  # type: ignore[method-assign]
    main()
