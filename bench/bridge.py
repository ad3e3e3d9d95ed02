"""Agent steps per second over the topics against in process, and two environments against one.

Both sides take turns in blocks of steps, and each is timed by the median of its blocks, so that
a machine that is busy with something else for a while slows both.

``bridge/bare_messages`` is the bound: a step in process, and the same with an action and an
observation going to another process and back as bare bytes, with nothing done about them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "39")

import gymnasium as gym
import numpy as np
import rclpy
from rclpy.serialization import serialize_message

from mentor_common.env.ros_env import RosEnv
from mentor_common.messages import topics
from mentor_common.messages.cdr import write_action
from mentor_common.node.dds import configure_dds
from mentor_common.node.direct_reader import DirectReader, NoExecutor, take_messages
from mentor_sim_bridge.bridge.fleet import BridgeFleet

sys.path.insert(0, str(Path(__file__).parent))
from vector.ros_vec_env import RosVecEnv

HOPPER = "mentor/dmc-hopper_hop-v0"
ASSEMBLY = "mentor/metaworld-assembly-v0"


def random_steps(env: gym.Env, seed: int = 0) -> Callable[[int], float]:
    """Return a function that takes so many random steps and return their seconds."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)

    def run(steps: int) -> float:
        actions = rng.uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
        spent = 0.0
        for action in actions:
            begin = time.perf_counter()
            *_, terminated, truncated, _ = env.step(action)
            spent += time.perf_counter() - begin
            if terminated or truncated:
                env.reset()
        return spent

    return run


def take_turns(sides: dict[str, Callable[[int], float]], blocks: int, steps: int) -> dict:
    """Return the steps per second of each side: median over its blocks."""
    for run in sides.values():
        run(min(steps, 20))
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(blocks):
        for name, run in sides.items():
            spent[name].append(run(steps))
    return {name: steps / float(np.median(times)) for name, times in spent.items()}


def report(name: str, value: float, unit: str, ratio: float, against: str) -> None:
    """Print one line of the benchmark's output."""
    line = {"name": name, "value": round(value, 3), "unit": unit, "ratio": round(ratio, 3)}
    print(json.dumps({**line, "against": against}), flush=True)


def topics_vs_inprocess(environment: str, label: str, blocks: int, steps: int) -> None:
    """Measure one agent with random actions: over the topics, and in process."""
    with BridgeFleet(environment, 1, "/bench") as fleet:
        over_topics = RosEnv(fleet.namespaces[0])
        in_process = gym.make(environment)
        rates = take_turns(
            {"topics": random_steps(over_topics), "in process": random_steps(in_process)},
            blocks,
            steps,
        )
        over_topics.close()
    report(
        f"bridge/topics_vs_inprocess/{label}",
        rates["topics"],
        "agent steps/s",
        rates["topics"] / rates["in process"],
        f"in process: {rates['in process']:.0f} agent steps/s",
    )


class BareEnd:
    """One end of the stream with nothing above the client library: bytes out, bytes in."""

    def __init__(self, out: topics.Topic, back: topics.Topic) -> None:
        self._node = rclpy.create_node("bare_end", namespace="/bench_bare")
        self._out = self._node.create_publisher(out.type, out.name, out.qos)
        self._back = self._node.create_subscription(
            back.type, back.name, print, back.qos, callback_group=NoExecutor(), raw=True
        )
        self._reader = DirectReader(self._node.context, [self._back])

    def wait_for_the_other(self, seconds: float = 20.0) -> None:
        """Wait until both directions have a peer. Raises: TimeoutError."""
        until = time.monotonic() + seconds
        while not (
            self._out.get_subscription_count()
            and self._node.count_publishers(self._back.topic_name)
        ):
            if time.monotonic() > until:
                raise TimeoutError(f"nobody at the other end after {seconds:g} s")
            time.sleep(0.05)
        time.sleep(0.5)

    def send(self, raw: bytes) -> None:
        """Publish the bytes of a message."""
        self._out.publish(raw)

    def receive(self) -> None:
        """Wait for a message and take its bytes. Raises: TimeoutError."""
        for _ in range(10):
            for _ in take_messages(self._back):
                return
            self._reader.wait(1.0)
        raise TimeoutError(f"nothing on {self._back.topic_name} for 10 s")


class WithBareMessages(gym.Wrapper):
    """Before each step bare messages of the stream's sizes go to another process and back."""

    def __init__(self, env: gym.Env, end: BareEnd) -> None:
        super().__init__(env)
        self._end = end
        self._action = write_action(np.zeros(env.action_space.shape, np.float32), 1, 0, 0)

    def step(self, action: np.ndarray) -> tuple:
        """Do the step of the environment in process, after the messages."""
        self._end.send(self._action)
        self._end.receive()
        return self.env.step(action)


def echo(size: int) -> None:
    """Answer each action with an observation of ``size`` bytes, until it is ended."""
    rclpy.init()
    end = BareEnd(topics.OBSERVATION, topics.ACTION)
    raw = serialize_message(topics.OBSERVATION.type(data=array("B", bytes(size))))
    end.wait_for_the_other()
    while True:
        with contextlib.suppress(TimeoutError):
            end.receive()
            end.send(raw)


def bare_messages(environment: str, label: str, blocks: int, steps: int) -> None:
    """Return the most that any bridge between two processes could reach of the steps in process."""
    env = gym.make(environment)
    size = int(np.prod(env.observation_space.shape))
    configure_dds()
    child = subprocess.Popen([sys.executable, __file__, "--echo", str(size)])
    try:
        rclpy.init()
        end = BareEnd(topics.ACTION, topics.OBSERVATION)
        end.wait_for_the_other()
        with_messages = WithBareMessages(gym.make(environment), end)
        rates = take_turns(
            {"bare": random_steps(with_messages), "in process": random_steps(env)}, blocks, steps
        )
    finally:
        rclpy.try_shutdown()
        child.kill()
        child.wait()
    report(
        f"bridge/bare_messages/{label}",
        1e3 / rates["bare"] - 1e3 / rates["in process"],
        "ms a step",
        rates["bare"] / rates["in process"],
        f"in process: {rates['in process']:.0f} agent steps/s",
    )


def two_vs_one(environment: str, label: str, blocks: int, steps: int) -> None:
    """Measure one agent with two environments in two processes, against one of them alone."""
    with BridgeFleet(environment, 2, "/bench") as fleet:
        vector = RosVecEnv(fleet.namespaces)
        vector.reset(seed=0)
        single = vector.envs[0]
        rng = np.random.default_rng(0)

        def both(count: int) -> float:
            actions = rng.uniform(-1, 1, (count, *vector.action_space.shape)).astype(np.float32)
            begin = time.perf_counter()
            for action in actions:
                vector.step(action)
            return time.perf_counter() - begin

        one = random_steps(single)
        spent: dict[str, list[float]] = {"both": [], "one": []}
        both(20)
        for _ in range(blocks):
            vector.reset()
            spent["both"].append(both(steps))
            single.reset()
            spent["one"].append(one(steps))
        vector.close()
    rate = 2 * steps / float(np.median(spent["both"]))
    alone = steps / float(np.median(spent["one"]))
    report(
        f"bridge/two_environments/{label}",
        rate,
        "agent steps/s",
        rate / alone,
        f"one environment: {alone:.0f} agent steps/s",
    )


def main() -> None:
    """Run all, or those whose name holds a word of the command line."""
    wanted = sys.argv[1:]
    if wanted[:1] == ["--echo"]:
        echo(int(wanted[1]))
    benches = {
        "bare/hopper": lambda: bare_messages(HOPPER, "hopper_hop", 60, 40),
        "bare/assembly": lambda: bare_messages(ASSEMBLY, "assembly", 40, 15),
        "topics/hopper": lambda: topics_vs_inprocess(HOPPER, "hopper_hop", 60, 40),
        "topics/assembly": lambda: topics_vs_inprocess(ASSEMBLY, "assembly", 40, 15),
        "two/hopper": lambda: two_vs_one(HOPPER, "hopper_hop", 40, 40),
        "two/assembly": lambda: two_vs_one(ASSEMBLY, "assembly", 30, 15),
    }
    for name, bench in benches.items():
        if not wanted or any(word in name for word in wanted):
            bench()


if __name__ == "__main__":
    main()
