"""The parameters of every node that moves an arm."""

from __future__ import annotations

from mentor_common.node.parameters import TASK, Param, wall_seconds

ARM_PARAMETERS = (
    TASK,
    Param(
        "action_deadline", "float", 0.0,
        "seconds of ROS time after its stamp in which an action that names no deadline may "
        "begin to move; 0: that of the task",
        low=0.0, high=60.0,
    ),
    Param("max_speed", "float", 0.25, "metres per second of a move at speed 1", 0.01, 1.0),
    Param(
        "move_timeout", "float", 20.0,
        "seconds of ROS time for a move, if the goal names none", low=0.1, high=600.0,
    ),
    Param(
        "gripper_timeout", "float", 10.0,
        "seconds for a command to the gripper, if the goal names none", low=0.1, high=600.0,
    ),
    wall_seconds("recover_timeout", 10.0, "for a recovery, if the goal names none", 0.1, 600.0),
)  # fmt: skip
