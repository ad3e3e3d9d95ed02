"""Whatever joins messages by (episode, step) uses the one join, and passes the one suite."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from compared_steps import ComparedSteps
from join_suite import CHECKS, JoinUser
from policy_join_users import MeansOfActions, StepsOfABag
from rewarded_steps import RewardedSteps
from stacked_steps import StackedSteps
from test_awaited_step import Agent
from test_join import BareJoin
from test_split_assembly import AssembledSteps

SOURCES = Path(__file__).parents[1] / "src"
USERS: dict[str, Callable[[], JoinUser]] = {
    "mentor_common/messages/join.py": BareJoin,
    "mentor_common/env/awaited_step.py": Agent,
    "mentor_camera/stacking/stacker.py": StackedSteps,
    "mentor_reward/steps/step_reader.py": RewardedSteps,
    "mentor_policy/distributed/assembly.py": AssembledSteps,
    "mentor_policy/replay/bag_steps.py": StepsOfABag,
    "mentor_policy/training/recomputed_means.py": MeansOfActions,
    "mentor_recorder/replay/expected.py": ComparedSteps,
}
"""An adapter for each file that makes a join."""
TABLES = {"mentor_recorder/bags/steps.py"}
"""Files that read a bag to its end and then take everything: no step waits or leaves by itself."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("user", USERS)
def test_a_user_passes_the_suite_of_the_join(
    user: str, check: Callable[[Callable[[], JoinUser]], None]
) -> None:
    check(USERS[user])


def test_every_file_that_makes_a_join_is_in_the_suite() -> None:
    makes = {
        path.relative_to(SOURCES / path.relative_to(SOURCES).parts[0]).as_posix()
        for path in SOURCES.glob("mentor_*/mentor_*/**/*.py")
        if "StepJoin" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("StepJoin")
    }
    assert makes | {"mentor_common/messages/join.py"} == set(USERS) | TABLES
