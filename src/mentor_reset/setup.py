from setuptools import find_packages, setup

NAME = "mentor_reset"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Reset routines of the real tasks.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": ["reset_node = mentor_reset.nodes.reset_node:main"],
        "mentor.routines": [
            "cable_routing = mentor_reset.routines.cable_routing:CableRoutingReset",
        ],
    },
)
