"""Every argument is declared and checked before the first node.

The real launch starts a node as it comes to it. What it refuses after that leaves the node running.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
SCRIPT = """
import json, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.include import load_launch_file

def kinds(entity):
    yield type(entity).__name__
    for each in entity.get_sub_entities():
        yield from kinds(each)

print(json.dumps(list(kinds(load_launch_file(sys.argv[1])))))
"""


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.launch.py")))
def test_no_argument_is_declared_or_checked_after_the_first_node(file: str) -> None:
    command = [sys.executable, "-c", SCRIPT, str(FOLDER / file)]
    kinds = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    first = kinds.index("Node")
    assert kinds.index("DeclareLaunchArgument") < first
    assert not {"DeclareLaunchArgument", "OpaqueFunction"} & set(kinds[first:])
