"""Makes the security files (SROS2) of a cell from the policies that this package has.

`ros2 security` of a distribution makes keys, certificates and permissions; this only fits the
policies to the namespace of the cell.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

from mentor_bringup.runner.packages import package_prefix

POLICY = "policy.xml"
EVERY_NODE = "every_node.xml"
ENCLAVES = "/mentor"
"""Path under which the enclaves of all nodes are."""


class SecurityError(RuntimeError):
    """What keeps the files from being made, and the way out."""


def policies() -> Path:
    """Return the folder of the policies."""
    return package_prefix("mentor_bringup") / "share" / "mentor_bringup" / "security"


def write_policies(folder: Path, namespace: str) -> Path:
    """Write the policies of a cell whose names lie in a namespace; return the file of all enclaves.

    Args:
        folder: which the files are written into.
        namespace: of the cell; empty: it has none.
    """
    namespace = namespace.strip("/")
    document = ElementTree.parse(policies() / POLICY)
    for enclave in document.iter("enclave"):
        name = enclave.attrib["path"].removeprefix(ENCLAVES)
        enclave.set("path", f"{ENCLAVES}/{namespace}".rstrip("/") + name)
    for profile in document.iter("profile"):
        profile.set("ns", f"/{namespace}")
    document.write(folder / POLICY, encoding="utf-8", xml_declaration=True)
    shutil.copy(policies() / EVERY_NODE, folder)
    return folder / POLICY


def find_tool() -> str:
    """Return the path of `ros2`. Raises: SecurityError where it has no `security`."""
    tool = shutil.which("ros2")
    if tool and subprocess.run([tool, "security", "--help"], capture_output=True).returncode == 0:
        return tool
    raise SecurityError(
        "`ros2 security` is not installed: source a ROS 2 distribution, and install its package "
        "sros2 (apt install ros-$ROS_DISTRO-sros2)"
        + ("" if tool else "; here is no command `ros2` at all")
    )


def main(argv: list[str] | None = None, find: Callable[[], str] = find_tool) -> int:
    """Make or renew a keystore; return the exit status."""
    parser = argparse.ArgumentParser(prog="make security", description=__doc__)
    parser.add_argument("--keystore", type=Path, default=Path("keystore"), help="its folder")
    parser.add_argument("--namespace", default="", help="of the cell; empty: it has none")
    options = parser.parse_args(argv)
    try:
        tool = find()
        domain = os.environ.get("ROS_DOMAIN_ID")
        if not domain:
            raise SecurityError(
                "permissions hold in one ROS domain: set ROS_DOMAIN_ID here, and to the same "
                "number where the cell is launched"
            )
    except SecurityError as error:
        print(f"security: {error}", file=sys.stderr)
        return 1
    keystore = options.keystore.resolve()
    with tempfile.TemporaryDirectory() as folder:
        policy = write_policies(Path(folder), options.namespace)
        command = [tool, "security", "generate_artifacts", "-k", str(keystore), "-p", str(policy)]
        status = subprocess.run(command).returncode
    if status == 0:
        print(
            f"security: {keystore} is for domain {domain}. Where nodes start: export "
            f"ROS_SECURITY_KEYSTORE={keystore} ROS_SECURITY_ENABLE=true "
            f"ROS_SECURITY_STRATEGY=Enforce ROS_DOMAIN_ID={domain}"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
