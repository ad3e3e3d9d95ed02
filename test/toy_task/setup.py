from setuptools import setup

NAME = "toy_task"

setup(
    name=NAME,
    version="0.1.0",
    packages=[NAME],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/tasks", ["tasks/toy_reach.yaml"]),
        (f"share/{NAME}/launch", ["launch/toy_reach.launch.py"]),
    ],
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="A task in a package of its own: a point that goes to a spot.",
    license="Apache-2.0",
    entry_points={
        "mentor.rewards": ["toy_reach = toy_task.reward:ToyReward"],
        "mentor.routines": ["toy_reach = toy_task.routine:ToyReset"],
        "mentor.twins": ["toy_reach = toy_task.twin:ToyTwin"],
    },
)
