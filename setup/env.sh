# Source me in bash: the environment in which nodes, tests and tools of this workspace run.
# (Sourced by every make target; a user sources it for python -m mentor_policy and the like.)
mentor_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mentor_venv=${MENTOR_VENV:-$mentor_root/.venv${ROS_DISTRO:+-$ROS_DISTRO}} # as the Makefile has it
case $mentor_venv in /*) ;; *) mentor_venv=$mentor_root/$mentor_venv ;; esac

if [ ! -f "$mentor_venv/bin/activate" ]; then
  echo "setup/env.sh: there is no environment $mentor_venv yet: call 'make build' first" >&2
  unset mentor_root mentor_venv
  return 1
fi
. "$mentor_venv/bin/activate"
if [ -z "${ROS_DISTRO:-}" ]; then # no distribution is sourced: the wheels in the environment are ROS 2
  export AMENT_PREFIX_PATH=$mentor_venv CMAKE_PREFIX_PATH=$mentor_venv
fi
if [ -f "$mentor_root/install/local_setup.bash" ]; then
  . "$mentor_root/install/local_setup.bash"
fi
export MUJOCO_GL=${MUJOCO_GL:-egl} LP_NUM_THREADS=${LP_NUM_THREADS:-0} # headless pictures, drawn by the calling thread
export MESA_SHADER_CACHE_DISABLE=${MESA_SHADER_CACHE_DISABLE:-true} # its thread holds up a process that ends on a busy machine
unset mentor_root mentor_venv
