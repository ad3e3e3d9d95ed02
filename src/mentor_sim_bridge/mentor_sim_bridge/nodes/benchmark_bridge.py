"""Node: any gymnasium environment that renders, as arm, stacker and reward node at once."""

from __future__ import annotations

import json
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import Any, ClassVar

from mentor_common.arm.command import CommandStatus
from mentor_common.env.registration import register_environments
from mentor_common.messages import topics
from mentor_common.node.cell_node import CellNode
from mentor_common.node.debug_log import debug
from mentor_common.node.direct_reader import NoExecutor
from mentor_common.node.goal_server import Goal
from mentor_common.node.health import Limits
from mentor_common.node.parameters import Param
from mentor_common.node.remote_action import Cancelled
from mentor_common.node.running import main as run_main
from mentor_msgs.action import ResetEpisode
from mentor_msgs.srv import Describe
from mentor_sim_bridge.bridge.episode_runner import EpisodeRunner
from mentor_sim_bridge.bridge.loop import BridgeLoop

VERSION = "0.1.0"


def _json_object(text: str) -> str | None:
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"is not JSON: {error}"
    return None if isinstance(value, dict) else "must be a JSON object"


class BenchmarkBridge(CellNode):
    """Serves ``reset_episode`` and ``describe``; executes ``action``; publishes the results.

    An action that is not for the running episode's newest observation, that is stale, of a wrong
    size or not finite is dropped; one outside the bounds is clipped to them. Each is counted in the
    diagnostics.
    """

    NAME = "benchmark_bridge"
    PARAMETERS: ClassVar = (
        Param(
            "environment", "str", "mentor/dmc-hopper_hop-v0",
            "gymnasium id of the environment", read_only=True,
        ),
        Param(
            "environment_options", "str", "{}",
            "further arguments of the environment, a JSON object", read_only=True,
            check=_json_object,
        ),
        Param("image_size", "int", 84, "height and width of a frame, pixels", 8, 1024, (), True),
        Param("frame_stack", "int", 3, "frames of an observation", 1, 16, (), True),
        Param(
            "action_repeat", "int", 0,
            "simulator frames per step; 0: the environment's own (2 in the benchmarks)",
            0, 64, (), True,
        ),
        Param("camera", "str", "", "name of the camera; empty: the environment's own", None, None,
              (), True),
        Param("stock", "bool", False, "render as the suite does, with shadows and reflections",
              None, None, (), True),
        Param(
            "action_deadline", "float", 0.0,
            "seconds after its stamp within which an action must begin, if the message has no "
            "deadline; 0: no limit, as simulated time waits",
            0.0, 60.0,
        ),
        Param("reset_timeout", "float", 60.0, "seconds of wall time for a reset, if its goal has "
              "no timeout", 0.1, 3600.0),
        Param("min_step_rate", "float", 0.0, "steps per second below which diagnostics warn; "
              "0: never", 0.0, 1e6),
    )  # fmt: skip

    def configure(self) -> None:
        """Make the environment. Raises: what its maker raises."""
        from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env

        register_environments()
        self._env = make_pixel_env(
            self.text("environment"),
            self.integer("image_size"),
            self.integer("frame_stack"),
            self.integer("action_repeat") or None,
            self.text("camera") or None,
            self.flag("stock"),
            **json.loads(self.text("environment_options")),
        )
        self._runner = EpisodeRunner(self._env)
        group = NoExecutor()
        self._actions = self.create_subscription(
            topics.ACTION.type,
            topics.ACTION.name,
            lambda _: None,
            topics.ACTION.qos,
            callback_group=group,
            raw=True,
        )
        self._guard = self.create_guard_condition(lambda: None, callback_group=group)
        observation = self.publisher(topics.OBSERVATION)
        reward = self.publisher(topics.REWARD)
        clock = self.get_clock()
        self._loop = BridgeLoop(
            self._runner,
            self.context,
            self._actions,
            self._guard,
            observation.publish,
            reward.publish,
            self.health,
            lambda: clock.now().nanoseconds,
            self.number("action_deadline"),
            self._report,
            partial(self.holding.permits, self.resolve_topic_name(topics.ACTION.name)),
            partial(debug, self),
        )
        self._set_limits()
        self.serve(topics.DESCRIBE, self._describe)
        self.serve_action(topics.RESET_EPISODE, self._reset_episode)
        self.peers.publisher_of(topics.ACTION, required=False)

    def activate(self) -> None:
        """Start the thread that executes actions."""
        self.start_worker("environment", lambda: self._loop.run(self.stopping.is_set))

    def deactivate(self) -> None:
        """Stop the thread, which ends the episode."""
        self._loop.wake()

    def cleanup(self) -> None:
        """Close the environment."""
        self._env.close()

    def parameters_changed(self, names: set[str]) -> None:
        """Apply the parameters that may change while running."""
        if hasattr(self, "_loop"):
            self._loop.deadline = self.number("action_deadline")
            self._set_limits()

    def _set_limits(self) -> None:
        least = self.number("min_step_rate")
        self.health.rate("steps", Limits(warn_below=least) if least else Limits())

    def _report(self, status: CommandStatus, reason: str) -> None:
        # Once in ten seconds: many bad messages must not lead to as many log lines.
        self.get_logger().warning(f"{status.value}: {reason}", throttle_duration_sec=10.0)

    def _describe(
        self, request: Describe.Request, response: Describe.Response
    ) -> Describe.Response:
        env: Any = self._env.unwrapped
        layout, space = self._runner.layout, self._env.action_space
        # The task of all episodes; an observation of MT5 names the episode's own.
        response.task = self._runner.task.partition("/")[0]
        response.environment = f"benchmark_bridge {VERSION}: {self.text('environment')}"
        response.ready = self.active
        response.message = "" if self.active else f"the node is {self.state_label}"
        response.cameras = list(layout.cameras)
        response.frames, response.height, response.width = (
            layout.frames,
            layout.height,
            layout.width,
        )
        response.stacked = layout.stacked
        response.state_size = self._runner.state_size
        size = self._runner.action_size
        response.action_names = list(getattr(env, "action_names", [f"a{i}" for i in range(size)]))
        response.action_low = space.low.tolist()  # type: ignore[attr-defined]
        response.action_high = space.high.tolist()  # type: ignore[attr-defined]
        response.period = float(getattr(env, "period", 0.0))
        response.max_steps = int(getattr(env, "max_steps", 0) or 0)
        response.action_repeat = int(getattr(env, "action_repeat", 1))
        return response

    def _reset_episode(self, goal: Goal) -> ResetEpisode.Result:
        request = goal.request
        options = {}
        for name, text in zip(request.option_names, request.option_values, strict=False):
            try:
                options[name] = json.loads(text)
            except ValueError:
                reason = f"option '{name}': {text!r} is not JSON"
                return ResetEpisode.Result(success=False, message=reason)
        if len(request.option_names) != len(request.option_values):
            reason = (
                f"{len(request.option_names)} option_names, {len(request.option_values)} values"
            )
            return ResetEpisode.Result(success=False, message=reason)
        goal.feedback(stage="reset", progress=0.0)
        future = self._loop.reset(int(request.seed) if request.seeded else None, options)
        left = request.timeout or self.number("reset_timeout")
        while True:
            try:
                episode = future.result(min(left, 0.2))
                return ResetEpisode.Result(success=True, episode=episode)
            except FutureTimeout:
                left -= 0.2
                if goal.cancelled:
                    future.cancel()
                    raise Cancelled("cancelled") from None
                if left <= 0.0:
                    future.cancel()
                    reason = "the environment's reset takes longer than the timeout"
                    return ResetEpisode.Result(success=False, message=reason)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                return ResetEpisode.Result(success=False, message=reason)


def main() -> None:
    """Run the bridge."""
    run_main(BenchmarkBridge)


if __name__ == "__main__":
    main()
