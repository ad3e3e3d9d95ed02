from setuptools import find_packages, setup

NAME = "mentor_policy"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={NAME: ["py.typed", "config/presets/*.yaml", "config/agents/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=True,
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Visual reinforcement learning agents (MENTOR, DrM, DrQ-v2, ALIX, TACO).",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "policy_node = mentor_policy.nodes.policy_node:main",
            "actor_node = mentor_policy.nodes.actor_node:main",
            "learner_node = mentor_policy.nodes.learner_node:main",
            "policy_replay_node = mentor_policy.nodes.policy_replay_node:main",
        ]
    },
)
