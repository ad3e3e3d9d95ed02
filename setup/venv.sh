#!/usr/bin/env bash
# Make the virtual environment hold exactly what the requirement files pin.
#   setup/venv.sh PYTHON VENV REQUIREMENTS...
# An interrupted installation is picked up: what pip left half done is removed, the rest stays.
set -euo pipefail
python=$1 venv=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mark=$venv/.setup/installing

fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
if ! "$venv/bin/python" -c "$fits" 2>/dev/null || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  if ! "$python" -c "$fits"; then
    echo "set-up: Python 3.11 to 3.13 is needed, $python is $("$python" -V 2>&1); install one of these and name it: make PYTHON=python3.12 launch" >&2
    exit 1
  fi
  options=(--clear)
  if [ -n "${ROS_DISTRO:-}" ]; then options+=(--system-site-packages); fi
  "$here/quietly.sh" "virtual environment $venv" log/setup/venv.log "$python" -m venv "${options[@]}" "$venv"
  touch "$venv/COLCON_IGNORE"
fi
mkdir -p "$venv/.setup"
if [ -e "$mark" ]; then
  "$venv/bin/python" "$here/remove_half_installed.py"
fi
touch "$mark"
files=()
for file in "$@"; do files+=(-r "$file"); done
"$here/quietly.sh" "Python packages: $*; the first time this takes minutes" log/setup/pip.log \
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
  -c requirements-constraints.txt "${files[@]}"
if [ -z "${ROS_DISTRO:-}" ]; then
  "$venv/bin/python" "$here/repair_cmake_paths.py"
fi
touch "$venv/COLCON_IGNORE"
rm "$mark"
