"""Node: the rehearsal of a real cell: control box or controllers, and cameras, around a twin."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, ClassVar

import mujoco
import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool

from mentor_common.arm.messages import joint_message, stamped_pose
from mentor_common.cell.hardware_library import hardware_library
from mentor_common.cell.rehearsal_place import rehearsal_address, rehearsal_folder
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time, time_to_nanoseconds
from mentor_common.messages.qos import best_effort, reliable
from mentor_common.messages.topics import Interface, Topic
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import TASK, Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion, Reward
from mentor_sim_bridge.graphics import check_graphics
from mentor_sim_bridge.nodes.camera_faults import (
    CUT,
    SWAPPED,
    UNPLUGGED,
    cameras_in,
    unknown_cameras,
)
from mentor_sim_bridge.nodes.device_topics import COLLECTOR_FAULT, DeviceTopics
from mentor_sim_bridge.nodes.twin_node import ground_truth_message
from mentor_sim_bridge.twins.devices import HasDevices
from mentor_sim_bridge.twins.rehearsal.cameras import RehearsalCameras, Snapshot
from mentor_sim_bridge.twins.rehearsal.shared_devices import SharedDevices
from mentor_sim_bridge.twins.rehearsal.shared_state import SharedState, WorldState
from mentor_sim_bridge.twins.rehearsal.world import World

POWER = Interface("~/power", SetBool)
MODULES = {"fci": "control_box", "ros2_control": "controller_loop"}
JOINTS_OF = {"fci": "fr3", "ros2_control": "panda"}
"""What the names of the joints begin with whose states are published."""
POSE_PERIOD = 0.01  # seconds between two poses and joint states of the stand-in controller
DEVICE_PERIOD = 0.05  # seconds between two readings of the devices' sensors
LATEST = best_effort(1)
"""As franka_ros2 publishes the current pose."""
RELIABLE = reliable(1)


class RehearsalNode(CellNode):
    """Plays what a real cell has around its nodes: the robot's box and its cameras.

    The world lives in a process of its own; this node renders its cameras, and publishes the ground
    truth of each motion. With `ros2_control` it has the topics of a controller, too.
    """

    NAME = "rehearsal"
    PARAMETERS: ClassVar = (
        TASK,
        Param("protocol", "str", "fci", "how the arm is reached", choices=tuple(MODULES),
              read_only=True),
        Param("address", "str", "",
              "loopback address of the control box; empty: one that no other cell has",
              read_only=True),
        Param("seed", "int", 0, "seed of the world's colours and physics", low=0, high=2**31 - 1,
              read_only=True),
        Param("camera_rate", "float", 30.0, "images per second of each camera", low=1.0, high=60.0),
        Param("repaint", "bool", True,
              "whether colours and light change after each episode, as the twin's do"),
        UNPLUGGED, SWAPPED, CUT, COLLECTOR_FAULT,
        Param("camera_clock_offset", "float", 0.0,
              "seconds by which the cameras' clocks are wrong", low=-10.0, high=10.0),
    )  # fmt: skip

    def check_parameters(self, values: dict[str, Any]) -> str | None:
        """Refuse cameras that the task does not have."""
        return super().check_parameters(values) or unknown_cameras(values)

    def configure(self) -> None:
        """Make a copy of the world to render it, the feeds and the publishers."""
        if self.text("protocol") == "fci":
            hardware_library("franky_sim", "franky-sim")  # refuse before a process is started
        check_graphics()
        task = self._task = find_task(self.text("task"))
        self._folder = rehearsal_folder(self.get_namespace())
        self._address = self.text("address") or rehearsal_address(self.get_namespace())
        self._folder.mkdir(parents=True, exist_ok=True)
        # Copies of the world: one to render it, one to compute poses and the ground truth.
        self._drawn = World(task, self.integer("seed")).simulator
        self._copy = World(task, self.integer("seed")).simulator
        model = self._copy.model
        self._shared = SharedState(self._folder / "state", model.nq, model.nv)
        self._shared.clear()
        self._lock = threading.Lock()
        self._box: subprocess.Popen[bytes] | None = None
        self._powered = True
        self._random = np.random.default_rng(self.integer("seed"))
        self._ended = threading.Event()
        self._ground_truth = self.publisher(topics.GROUND_TRUTH)
        self._description = self.publisher(topics.ROBOT_DESCRIPTION)
        self.subscription(topics.MOTION, self._on_motion)
        self.subscription(topics.REWARD, self._on_reward)
        self.serve(POWER, self._power)
        if self.text("protocol") == "ros2_control":
            self._make_controller_topics()
        self.timer(1.0, self._watch_box, wall=True)
        world: Any = self._copy
        if isinstance(self._copy, HasDevices):
            world = SharedDevices(self._copy, self._shared)
        self.timer(DEVICE_PERIOD, DeviceTopics(self, world).publish, wall=True)
        self._loop = self.health.gauge("control loop", "Hz", health.Limits(warn_below=300.0))
        self._frames = self.health.rate("frames")
        self._render_time = self.health.timing("images of all cameras")
        self._ticks = (time.monotonic(), 0)

    def activate(self) -> None:
        """Switch the box on and begin to render."""
        self._powered = True
        joints = JOINTS_OF[self.text("protocol")]
        self._description.publish(String(data=self._copy.urdf(joints)))
        self._start_box()
        self.start_worker("cameras", self._draw)

    def deactivate(self) -> None:
        """Switch the box off."""
        self._powered = False
        self._stop_box()

    def _make_controller_topics(self) -> None:
        pose = Topic("current_pose", PoseStamped, LATEST)
        joints = Topic("joint_states", JointState, RELIABLE)
        self._pose, self._joints = self.publisher(pose), self.publisher(joints)
        self.subscription(Topic("target_pose", PoseStamped, RELIABLE), self._on_target)
        self.timer(POSE_PERIOD, self._publish_pose, wall=True)

    # The box.

    def _start_box(self) -> None:
        command = [
            sys.executable, "-m",
            f"mentor_sim_bridge.twins.rehearsal.{MODULES[self.text('protocol')]}",
            "--task", self.text("task"), "--address", self._address,
            "--seed", str(self.integer("seed")), "--shared", str(self._folder / "state"),
            "--parent", str(os.getpid()),
        ]  # fmt: skip
        with self._lock:
            self._box = subprocess.Popen(command)

    def _stop_box(self) -> None:
        with self._lock:
            box, self._box = self._box, None
        if box is not None:
            box.kill()
            box.wait()

    def _watch_box(self) -> None:
        """Note how fast the box runs; start it again when it has died, as a box comes back."""
        state, (began, ticks) = self._shared.read(), self._ticks
        now = time.monotonic()
        if state is not None:
            self._loop.set(max(0.0, (state.ticks - ticks) / (now - began)))
            self._ticks = (now, state.ticks)
        with self._lock:
            box = self._box
        if box is not None and box.poll() is not None and self._powered:
            self.get_logger().error(f"the box has ended with status {box.returncode}; again")
            self._start_box()

    def _power(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Switch the box off (the arm's world stops with it) or on."""
        self._powered = bool(request.data)
        self._stop_box()
        if request.data:
            self._start_box()
        response.success, response.message = True, "on" if request.data else "off"
        return response

    # The cameras' thread.

    def _draw(self) -> None:
        # A camera that is plugged in sends images, so none is before there is a world to be seen.
        while self._shared.read() is None:
            if self.stopping.wait(0.05):
                return
        cameras = RehearsalCameras(self._task, self._drawn, self._folder)
        snapshot = Snapshot()
        due = time.monotonic()
        try:
            while not self.stopping.is_set():
                due = max(due + 1.0 / self.number("camera_rate"), time.monotonic())
                if self.stopping.wait(due - time.monotonic()):
                    return
                cameras.plug(set(self._drawn.cameras) - cameras_in(self, UNPLUGGED))
                cameras.misfit(cameras_in(self, SWAPPED), cameras_in(self, CUT))
                if self._ended.is_set():
                    self._ended.clear()
                    self._repaint()
                state = snapshot.stamped(self._shared.read())
                if state is not None:
                    offset = round(1e9 * self.number("camera_clock_offset"))
                    with self._render_time.measured():
                        self._frames.add(cameras.render(state, offset))
        finally:
            cameras.close()

    def _repaint(self) -> None:
        """Sample other colours and light, where the twin can."""
        repaint = getattr(self._drawn, "repaint", None)
        if repaint is not None and self.flag("repaint"):
            repaint(self._random)

    # The callbacks' thread.

    def _on_reward(self, message: Reward) -> None:
        if message.terminated or message.truncated:
            self._ended.set()

    def _on_motion(self, message: Motion) -> None:
        """Publish the ground truth at the end of a motion, which is now."""
        state = self._shared.read()
        if state is None:
            return
        self._set_copy(state)
        truth = self._copy.ground_truth()  # type: ignore[attr-defined]
        self._ground_truth.publish(
            ground_truth_message(
                message.episode, message.step, time_to_nanoseconds(message.end), truth
            )
        )

    def _set_copy(self, state: WorldState) -> None:
        self._copy.data.qpos[:], self._copy.data.qvel[:] = state.qpos, state.qvel
        self._copy.hidden_state = state.hidden
        mujoco.mj_kinematics(self._copy.model, self._copy.data)
        self._copy.read_positions()

    def _on_target(self, message: PoseStamped) -> None:
        point, turn = message.pose.position, message.pose.orientation
        self._shared.command(
            np.array([point.x, point.y, point.z, 2.0 * np.arctan2(turn.y, turn.x)])
        )

    def _publish_pose(self) -> None:
        state = self._shared.read()
        if state is None or time.time_ns() - state.stamp_ns > 2e8:
            return  # the box is off
        self._set_copy(state)
        stamp = nanoseconds_to_time(state.stamp_ns)
        frame = self._task.workspace.frame
        self._pose.publish(stamped_pose(*self._copy.pose(), stamp, frame))
        joints = self._copy.joint_state()
        self._joints.publish(joint_message(self._copy.joint_names, joints, stamp))


def main() -> None:
    """Run the node; entry point ``rehearsal_node``."""
    # Real cameras have processors of their own: here they come before whoever learns meanwhile.
    with suppress(PermissionError):
        os.nice(-5)
    run_node(RehearsalNode)


if __name__ == "__main__":
    main()
