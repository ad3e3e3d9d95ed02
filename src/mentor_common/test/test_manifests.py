"""What the packages import of ROS stands in their package.xml, so that rosdep brings it."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in SOURCES.glob("*/package.xml"))
KEYS = {"numpy": "python3-numpy", "cv2": "python3-opencv", "yaml": "python3-yaml"}
"""Keys of rosdep for modules that are no ROS packages."""
OPTIONAL = {
    "mentor_arm": {"controller_manager_msgs", "franka_msgs"},
    "mentor_camera": {"realsense2_camera", "compressed_image_transport"},
    "mentor_common": {"cv_bridge"},
}
"""By package, what it uses only where it is installed."""


def is_ros(module: str) -> bool:
    """Tell a ROS package by its name: messages, the client library, this project."""
    return module in {"rclpy", "rosidl_parser", "ament_index_python"} or (
        module.endswith(("_msgs", "_interfaces", "_srvs")) or module.startswith("mentor_")
    )


def imported(package: str) -> set[str]:
    """Return the top modules that the package imports anywhere."""
    modules: set[str] = set()
    for file in (SOURCES / package / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    return modules


def declared(package: str) -> dict[str, str]:
    """Return each dependency of the manifest and the condition that it stands under."""
    root = ElementTree.parse(SOURCES / package / "package.xml").getroot()
    return {
        str(one.text): one.get("condition", "") for one in root if one.tag.endswith("depend")
    }  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
def test_a_manifest_declares_what_its_package_imports_and_marks_the_optional(package: str) -> None:
    modules, manifest = imported(package) - {package}, declared(package)
    needed = {module for module in modules if is_ros(module)}
    needed |= {KEYS[module] for module in modules if module in KEYS}
    assert needed <= {name for name, condition in manifest.items() if not condition}
    optional = {name for name, condition in manifest.items() if condition}
    assert optional >= OPTIONAL.get(package, set())
    assert not optional & modules, "imported without asking whether it is there"
