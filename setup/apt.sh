#!/usr/bin/env bash
# Bring about the system packages: installed when root, else the exact command is printed and we stop.
#   setup/apt.sh PYTHON [LIST]     LIST: a file beside this one; apt.txt if none is given
set -euo pipefail
python=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

mapfile -t wanted < <(grep -v '^#' "$here/${2:-apt.txt}")
command -v "$python" >/dev/null || wanted+=(python3)
# An interpreter that brings its own venv and headers (pyenv, conda) needs no package for them.
"$python" -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
"$python" -c 'import os, sysconfig as s, sys; sys.exit(not os.path.exists(s.get_paths()["include"] + "/Python.h"))' \
  2>/dev/null || wanted+=(python3-dev)

if ! command -v dpkg-query >/dev/null; then
  echo "set-up: no dpkg here; make sure by yourself that there is: ${wanted[*]}"
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "set-up: these system packages are missing; install them and call make again:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
"$here/quietly.sh" "system packages: ${missing[*]}" log/setup/apt.log bash -c \
  'apt-get update && apt-get install -y --no-install-recommends "$@"' apt "${missing[@]}"
