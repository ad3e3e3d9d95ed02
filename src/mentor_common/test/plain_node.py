"""A node for the tests: it publishes rewards, waits for actions, and serves a slow action."""

from __future__ import annotations

import time

from mentor_common.messages import topics
from mentor_common.messages.experience import reward_message
from mentor_common.node.cell_node import CellNode
from mentor_common.node.goal_server import Goal
from mentor_common.node.health import Limits
from mentor_common.node.parameters import Param
from mentor_common.node.running import main
from mentor_msgs.action import Gripper, MoveTo
from mentor_msgs.msg import Action


class PlainNode(CellNode):
    PARAMETERS = (
        Param("speed", "float", 1.0, "speed of the arm, m/s", low=0.0, high=2.0),
        Param("limit", "float", 2.0, "limit of the speed, m/s", low=0.0),
        Param("agent", "str", "mentor", "name of the agent", choices=("mentor", "drm")),
        Param("count", "int", 3, "a number of things", low=1, high=9),
        Param("names", "str[]", [], "names of things"),
        Param("file", "str", "", "a file to be read", read_only=True),
        Param("late", "float", 0.0, "seconds that a worker works, whatever it is told", low=0.0),
    )

    def check_parameters(self, values: dict[str, object]) -> str | None:
        if float(str(values["speed"])) > float(str(values["limit"])):
            return f"speed {values['speed']} is above limit {values['limit']}"
        return None

    def configure(self) -> None:
        if self.text("file"):
            open(self.text("file")).close()
        self.rewards = self.publisher(topics.REWARD)
        self.sent = self.health.rate("rewards", Limits(warn_below=5.0, error_below=1.0))
        self.received = self.health.counter("actions")
        self.timer(0.05, self.tick, wall=True)
        self.subscription(topics.ACTION, self.on_action)
        self.peers.publisher_of(topics.ACTION)
        self.serve_action(topics.MOVE_TO, self.move, accept=self.accept)
        self.serve_action(topics.GRIPPER, self.grip)

    def activate(self) -> None:
        if self.number("late"):
            self.start_worker("late", lambda: time.sleep(self.number("late")))

    def tick(self) -> None:
        self.rewards.publish(reward_message(1.0, 1, 1, self.get_clock().now().to_msg()))
        self.sent.add()

    def on_action(self, message: Action) -> None:
        self.received.add()
        if message.step == 99:
            self.finish(7)

    def accept(self, goal: MoveTo.Goal) -> str | None:
        return "the movement is unknown" if goal.movement == "unknown" else None

    def move(self, goal: Goal) -> MoveTo.Result:
        if goal.request.movement == "fault":
            raise RuntimeError("the joint is stuck")
        for i in range(int(goal.request.timeout / 0.05)):
            goal.feedback(distance=float(i))
            goal.wait(0.05)
        return MoveTo.Result(success=True, message="there")

    def grip(self, goal: Goal) -> Gripper.Result:
        if goal.request.command == "homing":
            raise RuntimeError("the fingers are stuck")
        goal.wait(60.0)
        return Gripper.Result(success=True)


if __name__ == "__main__":
    main(lambda: PlainNode("plain"))
