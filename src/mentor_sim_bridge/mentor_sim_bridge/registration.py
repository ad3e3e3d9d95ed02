"""Registers every environment of this package with gymnasium, without importing a simulator."""

from __future__ import annotations

from typing import Any

import gymnasium

from mentor_sim_bridge.benchmarks import names
from mentor_sim_bridge.twins.registration import register_twins

_MODULE = "mentor_sim_bridge.benchmarks"


def benchmark_ids() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return all benchmark environments: id to entry point and its arguments."""
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


def register_own() -> None:
    """Register the benchmarks and the twins; the entry point of group ``mentor.environments``."""
    for name, (entry_point, kwargs) in benchmark_ids().items():
        gymnasium.register(name, entry_point=entry_point, kwargs=kwargs)
    register_twins()
