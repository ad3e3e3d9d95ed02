"""What cannot render is refused when it is made, not at each reset."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
from mentor_sim_bridge.graphics import GraphicsError, check_graphics
try:
    check_graphics()
except GraphicsError as error:
    print(error)
"""


@pytest.mark.parametrize("chosen", ["disabled", "bogus"])
def test_a_choice_that_renders_nothing_is_named_with_the_way_out(chosen: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"MUJOCO_GL": chosen}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"MUJOCO_GL={chosen}: no image can be rendered" in done.stdout
    assert "set it to egl" in done.stdout
