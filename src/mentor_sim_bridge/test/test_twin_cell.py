"""The workcell: arm, control, randomisation, faults, configuration."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import mujoco
import numpy as np
import pytest
import yaml

from mentor_common.arm.arm import Arm, ArmFault
from mentor_common.arm.backend import GripperCommand, GripperFailed
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.cable.config import DEFAULT_FILE, load_cable_config
from mentor_sim_bridge.twins.cable.simulator import CableSimulator
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.visuals import sample_visuals

TASK = find_task("cable_routing")
CONFIG = load_cable_config()
MIDDLE = np.array([-0.3, 0.5])


@pytest.fixture(scope="module")
def cell():
    made = CableSimulator(CONFIG, TASK)
    yield made
    made.close()


@pytest.fixture
def arm(cell):
    return Arm(cell, TASK.workspace, TASK.deltas, TASK.episode.period)


def test_the_arm_follows_its_target_though_the_cable_pulls(cell, arm):
    arm.begin_episode(0, MIDDLE)
    for goal in ([0.5, 0.9], [0.5, -0.9], [-0.8, -0.9]):
        arm.move(goal, 2.0)
        arm.hold(0.5)
        assert np.linalg.norm(cell.pose()[0] - arm.target_pose[:3]) < 0.010


def test_the_arm_does_not_jerk_when_an_episode_begins(cell, arm):
    arm.begin_episode(0, MIDDLE)
    before = cell.pose()[0]
    arm.act(np.zeros(2))
    assert np.linalg.norm(cell.pose()[0] - before) < 0.0005


def test_the_hand_keeps_pointing_down(cell, arm):
    arm.begin_episode(0, MIDDLE)
    wanted = TASK.workspace.pose(MIDDLE)[1]
    assert abs(arm.move([0.9, -0.9], 1.0).quaternion @ wanted) > 0.9999


def test_the_cable_hangs_from_the_post_and_ends_in_the_gripper(cell, arm):
    arm.begin_episode(0, MIDDLE)
    points = cell.cable_points()
    assert points.shape == (25, 3)
    assert np.allclose(points[0], cell.scene.post, atol=1e-6)
    # The tie gives by about a millimetre for each newton with which the cable pulls.
    away = np.linalg.norm(points[-1] - cell.pose()[0])
    assert away < 0.001 * cell.tension() + 0.001
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.allclose(lengths, cell.scene.cable_length / CONFIG.cable.segments, atol=1e-6)


def test_each_episode_has_visuals_friction_and_a_cable_of_its_own(cell):
    def draw(seed: int) -> np.ndarray:
        cell.begin_episode(seed, MIDDLE)
        model, scene = cell.model, cell.scene
        return np.concatenate(
            [model.mat_rgba.ravel(), model.light_dir.ravel(), model.cam_pos.ravel(),
             model.geom_friction[:, 0], [scene.bend_modulus, scene.cable_length, scene.friction]]
        )  # fmt: skip

    first, second = draw(1), draw(2)
    changed = first != second
    assert changed[: cell.model.nmat * 4].any() and changed[-3:].all()
    assert np.array_equal(draw(1), first)


def test_training_sees_two_thirds_of_colours_and_light_and_the_rest_is_apart():
    config, random = CONFIG.visual_randomization, np.random.default_rng(0)
    usual = [sample_visuals(config, 3, random).light_diffuse for _ in range(200)]
    apart = [sample_visuals(config, 3, random, unseen=True).light_diffuse for _ in range(200)]
    low, high = config.light_diffuse
    border = low + 2 / 3 * (high - low)
    assert low <= min(usual) < max(usual) <= border <= min(apart) < max(apart) <= high


def test_a_stiffer_cable_hangs_otherwise(cell):
    shapes = []
    for disturbance in ("none", "stiff_cable"):
        cell.begin_episode(0, MIDDLE, {"disturbance": disturbance})
        shapes.append(cell.cable_points())
    assert np.abs(shapes[0] - shapes[1]).max() > 1e-6


def test_too_strong_a_pull_tears_the_cable_out_of_the_gripper(cell, arm):
    arm.begin_episode(0, MIDDLE)
    cell._tear_at = cell.tension() + 0.3
    for _ in range(10):
        outcome = arm.act([1.0, 1.0])
        if outcome.failed:
            break
    assert outcome.failed and "torn" in outcome.reason and cell.tension() == 0.0
    with pytest.raises(ArmFault, match="recover"):
        arm.act(np.zeros(2))
    cell.recover()
    arm.stop()
    assert not arm.act(np.zeros(2)).failed


def test_a_grasp_of_the_cable_that_is_cancelled_has_not_taken_it(cell, arm):
    arm.begin_episode(0, MIDDLE)
    for held in (True, False):
        with pytest.raises(GripperFailed, match="grasp was cancelled"):
            cell.gripper(GripperCommand("grasp", cancelled=lambda: True))
        assert bool(cell.data.eq_active[cell._tie]) == held
        cell.data.eq_active[cell._tie] = 0


def test_a_joint_at_its_limit_is_a_fault():
    faults = replace(CONFIG.faults, joint_margin=1.0)
    strict = CableSimulator(replace(CONFIG, faults=faults), TASK)
    strict.begin_episode(0, MIDDLE)
    assert "panda_joint" in strict.fault and "limit" in strict.fault


def test_a_pose_that_is_not_reached_is_a_fault(cell, arm):
    arm.begin_episode(0, MIDDLE)
    cell.data.qfrc_applied[cell._joint_dofs[0]] = 40.0  # somebody holds the arm
    assert "not reached" in arm.act(np.zeros(2)).reason
    assert cell.fault


def test_a_workspace_out_of_reach_is_said_at_once():
    far = replace(TASK, workspace=replace(TASK.workspace, fixed=(0.0, -1.5, 0.0, np.pi / 2)))
    with pytest.raises(ValueError, match="out of the arm's reach"):
        CableSimulator(CONFIG, far).begin_episode(0, MIDDLE)


@pytest.mark.parametrize("change", ["missing", "unknown", "impossible"])
def test_a_wrong_key_in_the_cells_file_is_named(tmp_path, change):
    content = yaml.safe_load(DEFAULT_FILE.read_text())
    if change == "missing":
        del content["slot_1"]["gap"]
        words = "slot_1: key 'gap' is missing"
    elif change == "unknown":
        content["slot_1"]["hooks"] = 2
        words = "slot_1: key 'hooks' is unknown"
    else:
        content["scene_randomization"]["slot_1"]["z"] = 0.01
        words = "scene_randomization: z of a slot and yaw of the post cannot vary"
    file = tmp_path / "cell.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=rf"cell\.yaml: {words}"):
        load_cable_config(file)


def test_the_urdf_puts_every_link_and_camera_where_the_simulation_has_it(cell):
    cell.begin_episode(0, MIDDLE)
    check_urdf(cell)


def test_the_urdf_has_the_camera_on_the_hand():
    simulator = PegInsertionEnv(images="blank").simulator
    simulator.begin_episode(0, np.zeros(4), {})
    robot = check_urdf(simulator)
    (mount,) = robot.findall("joint[@name='wrist_color_optical_frame_mount']")
    assert mount.find("parent").get("link").startswith("panda0_")


def test_the_urdf_names_no_file_and_its_shapes_fill_the_space_of_the_links(cell):
    robot = ET.fromstring(cell.urdf("fr3"))
    assert not robot.findall(".//mesh")
    joints = {joint.get("name") for joint in robot.findall("joint[@type='revolute']")}
    assert joints == {f"fr3_joint{number}" for number in range(1, 8)}
    for link in range(8):
        name = f"panda0_link{link}"
        shapes = robot.findall(f"link[@name='{name}']/visual/geometry/*")
        wanted = sum(
            mesh_volume(cell.model, int(cell.model.geom_dataid[geom]))
            for geom in range(cell.model.ngeom)
            if cell.model.body(cell.model.geom_bodyid[geom]).name == name
            and cell.model.geom_dataid[geom] >= 0
        )
        assert 0.8 < sum(map(_volume, shapes)) / wanted < 1.45, name


def mesh_volume(model, mesh: int) -> float:
    """Return the volume that a closed mesh encloses, cubic metres."""
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    start, faces = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    corners = model.mesh_vert[first : first + count][model.mesh_face[start : start + faces]]
    return abs(float(np.linalg.det(corners.astype(float)).sum())) / 6.0


def _volume(shape: ET.Element) -> float:
    if shape.tag == "box":
        return float(np.prod([float(v) for v in shape.get("size").split()]))
    return np.pi * float(shape.get("radius")) ** 2 * float(shape.get("length"))


def check_urdf(simulator) -> ET.Element:
    """Compare the places of links and cameras with the simulation's; return the robot."""
    robot = ET.fromstring(simulator.urdf())
    angles = dict(zip(simulator.joint_names, simulator.joint_state()[0], strict=True))
    root = simulator.workspace.frame
    places = {root: np.eye(4)}
    for joint in robot.findall("joint"):
        parent, child = joint.find("parent").get("link"), joint.find("child").get("link")
        frame = places[parent] @ _origin(joint.find("origin"))
        axis = joint.find("axis")
        if axis is not None:
            value = angles[joint.get("name")]
            turn = np.array([float(v) for v in axis.get("xyz").split()])
            motion = np.eye(4)
            if joint.get("type") == "prismatic":
                motion[:3, 3] = turn * value
            else:
                motion[:3, :3] = _rotation(turn, value)
            frame = frame @ motion
        places[child] = frame
    optical = {f"{camera}_color_optical_frame": camera for camera in simulator.cameras}
    assert set(optical) <= set(places)
    for name, frame in places.items():
        if name == root:
            continue
        if name in optical:  # ROS: z forward, y down; MuJoCo: z back, y up
            seen = simulator.data.camera(optical[name])
            turn = seen.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
        else:
            seen = simulator.data.body(name)
            turn = seen.xmat.reshape(3, 3)
        assert np.allclose(frame[:3, 3], seen.xpos, atol=1e-4), name
        assert np.allclose(frame[:3, :3], turn, atol=1e-4), name
    return robot


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    quaternion, matrix = np.zeros(4), np.zeros(9)
    mujoco.mju_axisAngle2Quat(quaternion, axis, angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _origin(element: ET.Element) -> np.ndarray:
    roll, pitch, yaw = (float(value) for value in element.get("rpy").split())
    frame = np.eye(4)
    frame[:3, :3] = (
        _rotation(np.array([0.0, 0.0, 1.0]), yaw)
        @ _rotation(np.array([0.0, 1.0, 0.0]), pitch)
        @ _rotation(np.array([1.0, 0.0, 0.0]), roll)
    )
    frame[:3, 3] = [float(value) for value in element.get("xyz").split()]
    return frame
