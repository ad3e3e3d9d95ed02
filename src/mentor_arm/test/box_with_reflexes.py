"""A simulated control box that enforces reflexes: ``box_with_reflexes.py ADDRESS MODEL.xml``.

It runs in franka-sim's own environment (make reflexes). Its robot is that of franky-sim, without
the meshes, which franka-sim would otherwise download.
"""

from __future__ import annotations

import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

NOT_NEEDED = ("mesh", "geom", "keyframe", "actuator", "light", "sensor", "contact")


def serve(address: str, model: str) -> None:
    """Answer as the control box at an address until this process is ended."""
    tree = ElementTree.parse(model)
    for parent in list(tree.getroot().iter()):
        for child in list(parent):
            if child.tag in NOT_NEEDED and parent.tag != "default":
                parent.remove(child)
    with tempfile.NamedTemporaryFile("wb", suffix=".xml") as file:
        tree.write(file)
        file.flush()
        os.environ["FR3_MJCF"] = file.name
        from franka_sim.franka_sim_server import FrankaSimServer

        FrankaSimServer(host=address, enable_gripper=False, enforce_comm_constraints=True).start()


if __name__ == "__main__":
    serve(*sys.argv[1:])
