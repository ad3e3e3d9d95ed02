#!/usr/bin/env bash
# Run a step of the set-up with its output in a log: one line when it begins, the log's tail if it fails.
#   setup/quietly.sh TITLE LOG COMMAND...
set -uo pipefail
title=$1 log=$2
shift 2
mkdir -p "$(dirname "$log")"
printf 'set-up: %s ...\n' "$title"
began=$SECONDS
if "$@" >"$log" 2>&1; then
  printf 'set-up: %s done in %d s\n' "${title%%:*}" $((SECONDS - began))
else
  status=$?
  {
    echo "set-up: ${title%%:*} failed with status $status; the end of $log:"
    grep -v '^WARNING: Location' "$log" | tail -n 25 | sed 's/^/  | /'
    echo "set-up: call the same make target again to go on from here."
  } >&2
  exit "$status"
fi
