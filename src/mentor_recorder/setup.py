from setuptools import find_packages, setup

NAME = "mentor_recorder"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed", "monitor/page/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=False,  # its page is read as a file
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Records a cell into bags, replays and compares them, and shows the cell live.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "monitor_node = mentor_recorder.nodes.monitor_node:main",
            "recorder_node = mentor_recorder.nodes.recorder_node:main",
            "scene_node = mentor_recorder.nodes.scene_node:main",
            "replay_node = mentor_recorder.nodes.replay_node:main",
        ],
    },
)
