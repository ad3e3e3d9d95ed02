#!/usr/bin/env bash
# All checks of the tree that run none of it. All checks run; the status is that of the worst.
set -uo pipefail
failed=()
check() { # check NAME COMMAND...
  local name=$1
  shift
  echo "lint: $name"
  "$@" || failed+=("$name")
}

too_large() { # nothing in the tree is larger than 1 MB
  local file status=0
  while IFS= read -r -d '' file; do
    if [ -f "$file" ] && [ "$(stat -c %s "$file")" -gt 1000000 ]; then
      echo "$file: larger than 1 MB"
      status=1
    fi
  done < <(git ls-files -z --cached --others --exclude-standard)
  return $status
}

no_binaries() { # pictures and the classifiers' weights are the only files that are not text
  local file status=0
  while IFS= read -r -d '' file; do
    case $file in *.png | *.safetensors) continue ;; esac
    if [ -s "$file" ] && ! grep -qI . "$file"; then
      echo "$file: a binary file; only .png and .safetensors may be"
      status=1
    fi
  done < <(git ls-files -z --cached --others --exclude-standard)
  return $status
}

dockerfiles() { git ls-files -z --cached --others --exclude-standard 'docker/Dockerfile*' | xargs -0 -r hadolint; }
yaml() { git ls-files -z --cached --others --exclude-standard '*.yaml' '*.yml' | xargs -0 -r yamllint --strict; }
shell_syntax() {
  local file status=0
  for file in setup/*.sh .ci/run; do bash -n "$file" || status=1; done
  return $status
}

check "ruff check" ruff check --quiet .
check "ruff format --check" ruff format --check --quiet .
check "mypy" mypy
check "hadolint" dockerfiles
check "yamllint" yaml
check "bash -n" shell_syntax
check "length of files and functions" python3 setup/check_length.py
check "size of files" too_large
check "no binaries" no_binaries

if [ ${#failed[@]} -gt 0 ]; then
  echo "lint: failed: $(IFS=,; echo "${failed[*]}")"
  exit 1
fi
echo "lint: clean"
