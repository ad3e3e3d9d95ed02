from setuptools import find_packages, setup

NAME = "mentor_reward"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={
        NAME: ["py.typed", "classifier/weights/*.safetensors", "dataset/label_page.html"]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=False,  # weights and the labelling page are read as files
    maintainer="MENTOR maintainers",
    maintainer_email="maintainers@mentor-vrl.example.org",
    description="Reward functions of the real cells, slot classifiers and their tool-chain.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": ["reward_node = mentor_reward.nodes.reward_node:main"],
        "mentor.rewards": [
            "cable_routing = mentor_reward.rewards.cable_routing:CableRoutingReward",
        ],
        "mentor.environments": ["mentor_reward = mentor_reward.registration:register_own"],
    },
)
