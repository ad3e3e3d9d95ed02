"""The node that acts, for the launch file of any task; its arguments: policy_arguments.launch.py.

With learner:=elsewhere the actor node acts instead, and follows the weights that it receives. With
agent:=none neither is started.
"""

from launch import LaunchDescription
from launch.actions import Shutdown
from launch.conditions import IfCondition
from launch.substitutions import (
    AndSubstitution,
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
)

from mentor_bringup.description import SAVES, node, text

SHARED = ("agent", "preset", "overrides", "run_dir", "max_steps", "seed", "device")
POLICY_ONLY = ("mode", "checkpoint", "episodes", "bags", "offline_updates", "synchronous")
RESET_OPTIONS = LaunchConfiguration("reset_options", default="")
KNOWN_RESET_OPTIONS = IfElseSubstitution(
    EqualsSubstitution(RESET_OPTIONS, ""), if_value="{}", else_value=RESET_OPTIONS
)
"""What the run's folder records of the reset node's options; none, where none are given."""
TEXTS = ("agent", "preset", "overrides", "run_dir", "device", "mode", "checkpoint", "bags")


def agent(executable, names, learner, **others):
    """Return the node that acts for a place of the learner; its end is the launch's.

    Args:
        executable: executable of package mentor_policy.
        names: launch arguments that are its parameters.
        learner: value of the argument `learner` that it is started for.
        others: further parameters.
    """
    parameters = {name: LaunchConfiguration(name) for name in names} | others
    for name in set(names) & set(TEXTS):
        parameters[name] = text(LaunchConfiguration(name))
    return node(
        "mentor_policy",
        executable,
        [parameters],
        on_exit=[Shutdown(reason=f"{executable} has ended")],
        **SAVES,
        condition=IfCondition(
            AndSubstitution(
                EqualsSubstitution(LaunchConfiguration("learner"), learner),
                NotEqualsSubstitution(LaunchConfiguration("agent"), "none"),
            )
        ),
    )


def generate_launch_description():
    """Start the node that acts."""
    options = text(KNOWN_RESET_OPTIONS)
    return LaunchDescription(
        [
            agent("policy_node", SHARED + POLICY_ONLY, "here", reset_options=options),
            agent("actor_node", SHARED, "elsewhere"),
        ]
    )
