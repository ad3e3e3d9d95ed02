from setuptools import find_packages, setup

NAME = "mentor_sim_bridge"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed", "twins/cable/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Simulated bodies: DMC, Meta-World and Adroit, and twins of the real cells.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "benchmark_bridge = mentor_sim_bridge.nodes.benchmark_bridge:main",
            "rehearsal_node = mentor_sim_bridge.nodes.rehearsal_node:main",
            "twin_node = mentor_sim_bridge.nodes.twin_node:main",
        ],
        "mentor.environments": ["mentor_sim_bridge = mentor_sim_bridge.registration:register_own"],
        "mentor.twins": [
            "cable_routing = mentor_sim_bridge.twins.cable.simulator:make",
            "cable_routing_varied = mentor_sim_bridge.twins.cable.simulator:make",
        ],
    },
)
