"""Names every environment of this package to gymnasium, without importing a simulator.

Declared as entry point ``mentor`` of the group ``gymnasium.envs``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from mentor_sim_bridge.benchmarks import names

_MODULE = "mentor_sim_bridge.benchmarks"


def benchmark_ids() -> dict[str, tuple[str, dict[str, Any]]]:
    """All benchmark environments: id to entry point and its arguments."""
    table: dict[str, tuple[str, dict[str, Any]]] = {}
    for domain, tasks in names.DMC.items():
        for task in tasks:
            known = {"domain": domain, "task": task}
            table[f"mentor/dmc-{domain}_{task}-v0"] = (f"{_MODULE}.dmc:make", known)
    for task in names.METAWORLD:
        spelled = task.replace("-", "_")
        for suffix, sparse in (("", False), ("_sparse", True)):
            table[f"mentor/metaworld-{spelled}{suffix}-v0"] = (
                f"{_MODULE}.metaworld:make",
                {"task": task, "sparse": sparse},
            )
    table["mentor/metaworld-mt5-v0"] = (f"{_MODULE}.mt5:make", {})
    for task in names.ADROIT:
        for suffix, sparse in (("", False), ("_sparse", True)):
            table[f"mentor/adroit-{task}{suffix}-v0"] = (
                f"{_MODULE}.adroit:make",
                {"task": task, "sparse": sparse},
            )
    return table


def register_all() -> None:
    """Registers the benchmarks and, where they are installed, the twins. Twice is once."""
    import gymnasium as gym

    for name, (entry_point, kwargs) in benchmark_ids().items():
        if name not in gym.registry:
            gym.register(name, entry_point=entry_point, kwargs=kwargs)
    if find_spec("mentor_sim_bridge.twins") and find_spec("mentor_sim_bridge.twins.registration"):
        from mentor_sim_bridge.twins.registration import register_twins

        register_twins()
