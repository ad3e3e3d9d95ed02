"""The launch runner: runs the launch files where no ROS 2 distribution is installed.

It is a stand-in for the part of the `launch` and `launch_ros` API that the launch files use, and
says so. It lives within its own process only and never takes the place of a real `launch`.
"""

import mentor_common.node.starting  # noqa: F401 (first: it keeps an interrupt quiet)
