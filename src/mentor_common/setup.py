from setuptools import find_packages, setup

NAME = "mentor_common"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed", "node/*.xml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description=(
        "The words that two or more crafts of the MENTOR robot learning stack share: task files, "
        "images, experience, topics and QoS, nodes, RosEnv."
    ),
    license="Apache-2.0",
    entry_points={"console_scripts": []},
)
