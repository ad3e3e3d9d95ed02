#!/usr/bin/env bash
# Enter the distribution, then do what was asked for.
set -eo pipefail
. "/opt/ros/$ROS_DISTRO/setup.bash"
exec "$@"
