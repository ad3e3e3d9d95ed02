"""What every test of the stack may rely on: a ROS domain of its own, and one thread a process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mentor_bringup.domain import claim_domain

MOST_WORKERS = 4
"""Each takes up to 1.5 GB, beside the nodes that it starts."""

RARE_MARKERS = ("real_time", "soak")
"""Those that most files of tests do without."""

settings.register_profile("mentor", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mentor")


def pytest_configure() -> None:
    """Keep this test process, and whatever it starts, to this machine and to one thread each."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for name, value in {"MUJOCO_GL": "egl", "LP_NUM_THREADS": "0", "OMP_NUM_THREADS": "1"}.items():
        os.environ.setdefault(name, value)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have Mesa keep compiled shaders in a folder of the tests: each of the dozens of graphics
    contexts of a test process compiles the same ones, for up to a second.

    In this process alone, by a first context made now. What the tests start must end at once, and
    keeps none (see mentor_sim_bridge.benchmarks.renderer).
    """
    cache = getattr(session.config, "cache", None)  # none with -p no:cacheprovider
    if cache is None or "mujoco" not in sys.modules or os.environ["MUJOCO_GL"] != "egl":
        return
    folder = cache.mkdir("shaders")
    keep = {"MESA_SHADER_CACHE_DISABLE": "false", "MESA_SHADER_CACHE_DIR": str(folder)}
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Exception):
        for name, value in keep.items():
            patch.setenv(name, value)
        from mujoco.egl import GLContext

        GLContext(8, 8).free()


@pytest.hookimpl(optionalhook=True)  # unknown where pytest-xdist is switched off
def pytest_xdist_auto_num_workers() -> int:
    """Return a worker more than there are cores.

    Much of the time a test waits: for a node to start, or for a message to come.
    """
    return min(1 + len(os.sched_getaffinity(0)), MOST_WORKERS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a test of the marker that is asked for: imports take seconds."""
    marker = str(config.getoption("markexpr")).partition(" ")[0]
    if marker not in RARE_MARKERS or collection_path.suffix != ".py":
        return None
    return marker not in collection_path.read_text() or None


@pytest.fixture
def in_a_terminal() -> Iterator[None]:
    """SIGHUP as in a terminal; where nohup began the tests it is ignored, by children too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module", autouse=True)
def domain_of_its_own() -> Iterator[None]:
    """A ROS domain that nobody else uses, another one for each module.

    So none meets what another left behind: whoever takes the place in shared memory of a process
    that has just ended may not be received by its peers (see mentor_common.node.dds).
    """
    claim = claim_domain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(claim.number))
        yield
    claim.release()
