#!/usr/bin/env bash
# All benchmarks, or those that are named, one after the other. One that fails, or that takes longer than
# MENTOR_BENCH_LIMIT seconds, is named on stderr and the next one runs; the status is then 1.
set -uo pipefail
trap 'exit 130' INT # Ctrl-C ends all of it, not only what runs
limit=${MENTOR_BENCH_LIMIT:-3600} # on two idle cores the longest takes about 15 minutes
failed=()
for script in "$@"; do
  began=$SECONDS
  # In the foreground, so that Ctrl-C reaches the script; SIGINT, so that it ends what it has started.
  timeout --foreground --signal=INT --kill-after=60 "$limit" python "$script"
  status=$?
  echo "bench: $script took $((SECONDS - began)) s (status $status)" >&2
  [ $status -eq 0 ] || failed+=("$script")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "bench: failed: ${failed[*]}" >&2
  exit 1
fi
