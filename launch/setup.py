from glob import glob

from setuptools import find_packages, setup

NAME = "mentor_bringup"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("*.launch.py"))),
        (f"share/{NAME}/launch/parts", sorted(glob("parts/*.launch.py"))),
        (f"share/{NAME}/tasks", sorted(glob("tasks/*.yaml"))),
        (f"share/{NAME}/cells", sorted(glob("cells/*.yaml"))),
        (f"share/{NAME}/params", sorted(glob("params/*.yaml"))),
        (f"share/{NAME}/rviz", sorted(glob("rviz/*.rviz"))),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Launch files, task files and launch runner of the MENTOR robot learning stack.",
    license="Apache-2.0",
    entry_points={"console_scripts": []},
)
