"""A node for the tests that wants to be started again, and gets a signal on its way out."""

from __future__ import annotations

import atexit
import os
import signal

from mentor_common.node.cell_node import CellNode
from mentor_common.node.running import main
from mentor_common.node.working_node import ANEW


class AnewNode(CellNode):
    def activate(self) -> None:
        print("begun", flush=True)
        atexit.register(os.kill, os.getpid(), signal.SIGINT)
        self.finish(ANEW)


if __name__ == "__main__":
    main(lambda: AnewNode("anew"))
