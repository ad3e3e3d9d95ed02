#!/usr/bin/env bash
# Build the workspace. Python files are linked, not copied: an edit needs no build.
#   setup/build.sh VENV
set -eo pipefail
venv=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A workspace built against wheels does not fit a distribution, nor the other way round.
flavour="${ROS_DISTRO:-wheels} $("$venv/bin/python" -c 'import sys; print(sys.executable)')"
if [ "$flavour" != "$(cat install/.flavour 2>/dev/null)" ]; then
  rm -rf build/mentor_* install
fi
# Links to files that have moved away; one called sitecustomize.py or conftest.py would be looked for.
find build install -xtype l -delete 2>/dev/null || true
mkdir -p install
echo "$flavour" >install/.flavour

. "$here/env.sh"
"$here/quietly.sh" "workspace" log/setup/colcon.log \
  "$venv/bin/python" -m colcon build --base-paths src launch --symlink-install --cmake-args -DBUILD_TESTING=OFF

# A node that is told to end while Python still starts ends quietly: the signals wait until its first import has
# handlers for them, see mentor_common/node/starting.py. The generated scripts would let them in much earlier.
blocked="#!/usr/bin/env -S --block-signal=INT,TERM "
env --block-signal=INT,TERM true 2>/dev/null || blocked="#!"
for script in install/mentor_*/lib/mentor_*/*; do
  grep -qs "EASY-INSTALL" "$script" || continue
  sed -i -e "1s|^#!/|$blocked/|" -e "/^# EASY-INSTALL/a import mentor_common.node.starting  # noqa: F401" \
    -e "s/^# EASY-INSTALL/# easy-install/" "$script"
done

# Bytecode also where PYTHONDONTWRITEBYTECODE is set, as in many containers: else every node that starts compiles its
# part of the workspace again, which takes a third of its start.
"$venv/bin/python" -m compileall -q -x "/test/" src launch
