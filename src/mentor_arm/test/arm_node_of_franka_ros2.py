"""The arm node where franka_msgs exists, in whose place stand actions of this project."""

from __future__ import annotations

import sys
from types import ModuleType

from mentor_arm.nodes.arm_node import main
from mentor_msgs.action import Gripper, Recover

actions = ModuleType("franka_msgs.action")
actions.ErrorRecovery = Recover  # type: ignore[attr-defined]
actions.Homing = actions.Grasp = actions.Move = Gripper  # type: ignore[attr-defined]
sys.modules["franka_msgs"], sys.modules["franka_msgs.action"] = ModuleType("franka_msgs"), actions

if __name__ == "__main__":
    main()
