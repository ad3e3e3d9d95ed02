"""Check that files have at most 350 lines and functions at most 60, or say in one sentence why.

A longer file has a docstring with the words "Longer than 350 lines"; a longer function has one with
the words "Longer than 60 lines".
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FILE, FUNCTION = 350, 60


def too_long(path: str, text: str) -> Iterator[str]:
    """Yield a line for whatever is too long in a file and has no reason."""
    tree = ast.parse(text, path)
    lines = text.count("\n")
    if lines > FILE and f"Longer than {FILE} lines" not in (ast.get_docstring(tree) or ""):
        yield f"{path}: {lines} lines, allowed are {FILE}, or a docstring that says why"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > FUNCTION and f"Longer than {FUNCTION} lines" not in (
            ast.get_docstring(node) or ""
        ):
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines, allowed are {FUNCTION}"


def main() -> int:
    """Print what is too long; return the exit status."""
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    files = subprocess.run(list_files, capture_output=True, text=True, check=True).stdout.split()
    found = [line for f in files if Path(f).exists() for line in too_long(f, Path(f).read_text())]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
