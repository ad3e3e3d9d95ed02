from setuptools import find_packages, setup

NAME = "mentor_camera"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed", "calibration/page.html"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Cameras: RealSense capture and the stacking of frames into observations.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "realsense_camera = mentor_camera.nodes.realsense_camera:main",
            "stacker_node = mentor_camera.nodes.stacker_node:main",
        ]
    },
)
