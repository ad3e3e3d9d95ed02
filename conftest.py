"""What every test of the stack may rely on: a ROS domain of its own, and one thread a process."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from mentor_bringup.domain import DomainClaim, claim_domain

settings.register_profile("mentor", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mentor")

_CLAIM = pytest.StashKey[DomainClaim]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this test process, and whatever it starts, a domain that nobody else hears."""
    claim = claim_domain()
    config.stash[_CLAIM] = claim
    os.environ["ROS_DOMAIN_ID"] = str(claim.number)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for name, value in {"MUJOCO_GL": "egl", "LP_NUM_THREADS": "0", "OMP_NUM_THREADS": "1"}.items():
        os.environ.setdefault(name, value)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the domain back."""
    if _CLAIM in config.stash:
        config.stash[_CLAIM].release()
