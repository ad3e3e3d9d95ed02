"""A node for the tests that leaves much behind: a child, a folder, a line, a thread and a display
that hang, and if it is to, a client library that does."""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import sys
import tempfile
import threading
import time
from types import ModuleType

from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main


class LeavingNode(CellNode):
    PARAMETERS = (
        Param("status", "int", -1, "ends itself with it; -1: waits", low=-1, high=9),
        Param("stuck", "bool", False, "its client library hangs at the end, with the GIL"),
    )

    def activate(self) -> None:
        self.child = multiprocessing.get_context("spawn").Process(
            target=time.sleep, args=(1000,), daemon=True
        )
        self.child.start()
        self.folder = tempfile.TemporaryDirectory()
        threading.Thread(target=time.sleep, args=(1000,)).start()
        atexit.register(sys.stdout.write, "said at the exit")
        egl = sys.modules["OpenGL.EGL"] = ModuleType("OpenGL.EGL")
        egl.eglTerminate = lambda display: time.sleep(1000)  # type: ignore[attr-defined]
        atexit.register(egl.eglTerminate, "display")
        print(f"left: {self.child.pid} {self.folder.name} .", flush=True)
        print("without an end", end="")
        if self.flag("stuck"):
            self.destroy_node = lambda: ctypes.PyDLL(None).sleep(1000)  # type: ignore[method-assign]
        if self.integer("status") >= 0:
            self.finish(self.integer("status"))


if __name__ == "__main__":
    main(lambda: LeavingNode("leaving"))
