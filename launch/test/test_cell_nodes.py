"""The nodes of a cell: what their launch file gives each of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PART = Path(__file__).parents[1] / "parts" / "cell_nodes.launch.py"
SCRIPT = """
import json, runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.node import Node
from mentor_bringup.runner.parameters import evaluate_values
arguments = {"robot": "fci", "rehearsal": "false", "cameras": "topics", "image_transport": "raw",
             "cell_file": "cells/mine.yaml", "realtime": "false", "armed": "false",
             "reset_options": "", "states": "sensors", "task_name": "tabletop_golf"}
context = LaunchContext(launch_configurations=arguments)
description = runpy.run_path(sys.argv[1])["generate_launch_description"]()
nodes = [entity for entity in description.entities if isinstance(entity, Node)]
print(json.dumps({node.executable: evaluate_values(context, node.parameters[0])
                  for node in nodes}))
"""


def test_every_node_that_crops_images_has_the_cell_file() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, PART], capture_output=True, text=True, check=True
    )
    parameters = json.loads(done.stdout)
    for executable in ("realsense_camera", "stacker_node", "reward_node"):
        assert parameters[executable]["cell_file"] == "cells/mine.yaml", executable
