"""The golf cell over the topics gives the bits that it gives in process; the ball comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from cell_process import end_gently
from node_process import Observer, eventually
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from std_srvs.srv import Trigger

from mentor_common.env.ros_env import RosEnv
from mentor_common.tasks.golf_court import BallPlace
from mentor_sim_bridge.twins.golf.env import GolfEnv
from mentor_sim_bridge.twins.golf.expert import straight_strike

SEEDS = (7, 8)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golf") / "log.txt"


@pytest.fixture(scope="module")
def cell(log: Path) -> Iterator[RosEnv]:
    """The whole cell, launched, without an agent."""
    launch = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup"]
    arguments = ["tabletop_golf.launch.py", "agent:=none"]
    environment = dict(os.environ, ROS_HOME=str(log.parent))
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*launch, *arguments], stdout=stream, stderr=subprocess.STDOUT, env=environment,
            cwd=log.parent,
        )  # fmt: skip
    env = RosEnv(reset_timeout=90.0, use_sim_time=True)
    yield env
    env.close()
    end_gently(process)


@pytest.fixture(scope="module")
def here() -> Iterator[GolfEnv]:
    env = GolfEnv(states="sensors")
    yield env
    env.close()


def test_seed_and_actions_give_the_same_bits_as_in_process(cell: RosEnv, here: GolfEnv) -> None:
    """Images, rewards from the court cameras with their terms, and ends."""
    for seed in SEEDS:
        there, expected = cell.reset(seed=seed)[0], here.reset(seed=seed)[0]
        assert np.array_equal(there, expected)
        for action in np.random.default_rng(seed).uniform(-1.0, 1.0, (5, 4)).astype(np.float32):
            there, reward, terminated, truncated, info = cell.step(action)
            expected, value, *ends, told = here.step(action)
            assert np.array_equal(there, expected) and reward == value
            assert info["reward_terms"] == told["reward_terms"]
            assert [terminated, truncated] == ends and info["valid"]


def strike_into_the_water(cell: RosEnv, here: GolfEnv, seed: int) -> None:
    """Play an episode on both, which ends as the ball has been in the water for some steps."""
    cell.reset(seed=seed)
    here.reset(seed=seed)
    over = False
    while not over:
        action = straight_strike(here.arm, here.simulator, here.task)
        _, reward, _, over, info = cell.step(action)
        _, value, _, ended, told = here.step(action)
        assert (reward, over) == (value, ended) and info["valid"]
    assert told["ball_place"] == BallPlace.IN_WATER and not info["success"]
    assert here._steps < here.max_steps


def test_the_straight_strike_ends_in_the_water_and_the_collector_returns_the_ball(
    cell: RosEnv, here: GolfEnv, log: Path
) -> None:
    strike_into_the_water(cell, here, seed=9)
    cell.reset(seed=10)
    assert cell.step(np.zeros(4, np.float32))[4]["valid"]
    said = log.read_text()
    assert "a person is needed" not in said and "[ERROR]" not in said, said


def set_fault(parameter: str, fault: str) -> None:
    """Set a parameter of the twin that makes a fault; empty: none."""
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
    with closing(Observer()) as observer:
        assert observer.set("/twin", Parameter(name=parameter, value=value)).successful


def unplug(cameras: str) -> None:
    """Unplug these cameras of the twin, and plug in the others."""
    set_fault("unplugged", cameras)


def test_a_collector_fault_that_does_not_exist_is_refused_with_those_that_do(cell: RosEnv) -> None:
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="motor dad")
    with closing(Observer()) as observer:
        result = observer.set("/twin", Parameter(name="collector_fault", value=value))
    assert not result.successful and "did you mean 'motor dead'" in result.reason


@pytest.mark.parametrize(("fault", "seed"), [("sensor stuck", 14), ("motor dead", 15)])
def test_a_broken_collector_is_one_line_and_the_cell_goes_on_when_it_is_mended(
    cell: RosEnv, here: GolfEnv, log: Path, fault: str, seed: int
) -> None:
    since = len(log.read_text())

    def errors() -> list[str]:
        return [line for line in log.read_text()[since:].splitlines() if "[ERROR]" in line]

    def mend() -> None:
        assert eventually(errors), "no request for help"
        set_fault("collector_fault", "")
        with closing(Observer()) as observer:
            assert observer.call(Trigger, "/reset/continue", Trigger.Request()).success

    strike_into_the_water(cell, here, seed)
    set_fault("collector_fault", fault)
    with ThreadPoolExecutor(1) as person:
        mended = person.submit(mend)
        cell.reset(seed=seed)
        mended.result()
    here.reset(seed=seed)
    for action in np.random.default_rng(seed).uniform(-1.0, 1.0, (2, 4)).astype(np.float32):
        _, reward, *_, info = cell.step(action)
        assert info["valid"] and reward == here.step(action)[1]
    assert len(errors()) == 1, errors()
    assert "a person is needed: put the ball onto the court" in errors()[0]
    assert "motor on pin 27 runs, light sensor on pin 17 sees a ball" in errors()[0]


def test_while_a_court_camera_is_gone_nothing_is_learned_and_the_cell_goes_on_when_it_is_back(
    cell: RosEnv, here: GolfEnv, log: Path
) -> None:
    still = np.zeros(4, np.float32)
    cell.reset(seed=11)
    assert cell.step(still)[4]["valid"]
    since = len(log.read_text())
    for camera in ("court_long", "court_short"):  # within an episode, and from its beginning
        unplug(camera)
        _, _, terminated, truncated, info = cell.step(still)
        assert truncated and not terminated and not info["valid"] and not info["success"]
        assert info["reason"] == f"no image of camera '{camera}' in 2 s"
        cell.reset(seed=12)
    unplug("")
    for env in (cell, here):
        env.reset(seed=13)
    for action in np.random.default_rng(1).uniform(-1.0, 1.0, (2, 4)).astype(np.float32):
        _, reward, *_, info = cell.step(action)
        assert info["valid"] and reward == here.step(action)[1]
    said = [line for line in log.read_text()[since:].splitlines() if "[ERROR]" in line]
    assert len(said) == 2, said
    assert "court_long" in said[0] and "court_short" in said[1] and "is cut off" in said[1]
