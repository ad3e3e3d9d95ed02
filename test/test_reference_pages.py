"""Pages that list parameters and environment variables have what the code has."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from node_process import executables

ROOT = Path(__file__).parent.parent
VARIABLE = re.compile(r"\bMENTOR_[A-Z_]+[A-Z]\b")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "docs" / "write_parameters.py"
    spec = importlib.util.spec_from_file_location("write_parameters", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_parameters_are_those_of_the_nodes(script: ModuleType) -> None:
    written = script.PAGE.read_text(encoding="utf-8")
    assert written == script.page(), "out of date: python docs/write_parameters.py"


def test_every_node_has_its_parameters_listed(script: ModuleType) -> None:
    assert list(script.node_classes()) == ["/".join(node) for node in executables()]


def test_every_environment_variable_of_ours_is_listed() -> None:
    files = [ROOT / "Makefile", *(ROOT / "setup").glob("*.sh")]
    for folder in ("src", "launch", "bench", "test"):
        files += [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("package.xml")]
    used = {name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("## Environment variables")[1].split("\n## ")[0]
    assert used == set(VARIABLE.findall(section))
