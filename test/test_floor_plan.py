"""What imports what: packages meet in mentor_common only, imports point down and form no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
PACKAGES = sorted(path.parent.name for path in SOURCES.glob("mentor_*/setup.py"))
ROOTS = {*PACKAGES, "mentor_msgs", "mentor_bringup"}
SHARED = {"mentor_common", "mentor_msgs"}


def modules(package: str) -> dict[str, Path]:
    """Return the modules of a package by name."""
    folder = SOURCES / package
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (folder / package).rglob("*.py")
    }


def imports(nodes: list[ast.stmt], known: set[str], *, late: bool) -> Iterator[str]:
    """Yield the modules that statements import; ``late``: those within functions too."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue  # read by the type checker only
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner_statements = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
            inner_statements += [
                n for h in getattr(node, "handlers", []) for n in h.body if isinstance(n, ast.stmt)
            ]
            yield from imports(inner_statements, known, late=late)


def graph(package: str, *, late: bool = False) -> dict[str, set[str]]:
    """Return for each module of a package the modules that it imports."""
    own = modules(package)
    return {
        name: set(imports(ast.parse(path.read_text()).body, set(own), late=late)) - {name}
        for name, path in own.items()
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_none_but_the_shared_ones(package: str) -> None:
    found = {
        module.partition(".")[0] for used in graph(package, late=True).values() for module in used
    }
    assert found & ROOTS <= SHARED | {package}
    if package == "mentor_common":
        assert found & ROOTS <= SHARED


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_form_no_circle(package: str) -> None:
    own = graph(package)
    list(
        TopologicalSorter(
            {n: {u for u in used if u in own} for n, used in own.items()}
        ).static_order()
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_no_library_imports_a_node(package: str) -> None:
    at_the_top = (f"{package}.nodes.", f"{package}.cli.", f"{package}.__main__")
    for name, used in graph(package, late=True).items():
        if not f"{name}.".startswith(at_the_top):
            assert not [module for module in used if module.startswith(at_the_top)], name


ROOMS_OF_TASKS = (
    "mentor_common/tasks/",
    "mentor_reward/rewards/", "mentor_reward/classifier/", "mentor_reward/dataset/",
    "mentor_reward/tracker/", "mentor_reward/cli/", "mentor_reward/registration.py",
    "mentor_reset/routines/",
    "mentor_sim_bridge/twins/",
)  # fmt: skip
"""Where the plug-ins of the tasks lie, with what is theirs alone."""
COMMON = set(modules("mentor_common"))
TASKS = {path.stem for path in (SOURCES.parent / "launch" / "tasks").glob("*.yaml")}


@pytest.mark.parametrize("package", PACKAGES)
def test_outside_its_plug_ins_nothing_knows_a_task_by_name(package: str) -> None:
    assert len(TASKS) >= 3
    knows = []
    for name, path in modules(package).items():
        room = path.relative_to(SOURCES / package).as_posix()
        if room.startswith(ROOMS_OF_TASKS):
            continue
        tree = ast.parse(path.read_text())
        used = {module.rpartition(".")[2] for module in imports(tree.body, COMMON, late=True)}
        texts = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        knows += [f"{name}: {task}" for task in TASKS if task in used | texts]
    assert knows == []
