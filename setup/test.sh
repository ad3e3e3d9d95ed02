#!/usr/bin/env bash
# All tests, in two passes: those that may share the machine on many workers, and then, one after the other, those
# that hold a part of the product to a time (marker real_time). Both passes always run; each one's failure is a failure.
# Arguments go to pytest.
set -uo pipefail
trap 'exit 130' INT # Ctrl-C ends all of it, not only what runs
# The tests start many processes; without bytecode each of them compiles the workspace's modules for itself.
unset PYTHONDONTWRITEBYTECODE
nothing_selected=5 # what pytest ends with, e.g. for "-k runner" in the second pass

python -m pytest -m "not soak and not real_time" --numprocesses auto --dist worksteal "$@"
together=$?
echo "test: now the tests that need the machine for themselves (real_time)"
python -m pytest -m "real_time and not soak" "$@"
alone=$?

for status in $together $alone; do
  if [ "$status" -ne 0 ] && [ "$status" -ne $nothing_selected ]; then
    echo "test: FAILED (status $together of the first pass, $alone of the second)"
    exit "$status"
  fi
done
if [ $together -ne 0 ] && [ $alone -ne 0 ]; then
  exit $nothing_selected
fi
