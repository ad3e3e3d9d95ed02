"""The learner alone; the cell runs with learner:=elsewhere, on the same or on another machine."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration, Shutdown
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare


def part(name):
    """Return what all launch files share under this name."""
    share = FindPackageShare("mentor_bringup")
    path = PathJoinSubstitution([share, "launch", "parts", f"{name}.launch.py"])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path))


def generate_launch_description():
    """Return the learner, which receives the stream and publishes weights."""
    parameters = {name: LaunchConfiguration(name) for name in ("max_steps", "seed")}
    for name in ("agent", "preset", "overrides", "run_dir", "device"):
        parameters[name] = ParameterValue(LaunchConfiguration(name), value_type=str)
    enclave = [LaunchConfiguration("enclaves"), "/learner"]
    learner = Node(
        package="mentor_policy",
        executable="learner_node",
        sigterm_timeout="3.6",  # its last checkpoint is 0.2 GB; all else is on the disk by then
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", enclave],
        parameters=[parameters, LaunchConfiguration("params_file")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): its peers have released its memory
        on_exit=[
            Shutdown(
                reason="the learner has ended",
                condition=UnlessCondition(LaunchConfiguration("respawn")),
            )
        ],
    )
    return LaunchDescription(
        [SetLaunchConfiguration("task_name", "learner"), part("every_node"), part("agent"), learner]
    )
