"""The arm's URDF, made from the compiled model, for robot_description."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from mentor_sim_bridge.twins.arm.mesh_shapes import mesh_shapes
from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, FINGER_JOINTS, TORQUE_LIMITS

VELOCITY_LIMITS = (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61, 0.05, 0.05)
"""Radians per second of the arm's joints (data sheet), metres per second of the fingers."""


OPTICAL = np.array([0.0, 1.0, 0.0, 0.0])
"""Quaternion (w, x, y, z) from MuJoCo's camera (looks along -z, y up) to ROS's (z, y down)."""


def panda_urdf(
    model: mujoco.MjModel,
    base: str = "base",
    cameras: Sequence[str] = (),
    robot: str = "panda",
) -> str:
    """Return the URDF of the arm, in primitive shapes, and of the cameras' optical frames.

    Args:
        model: the compiled model.
        base: name of the root link, at the world's origin.
        cameras: cameras of the model; each is where the model as compiled has it.
        robot: what the names of the joints begin with.
    """
    links = [f'<link name="{base}"/>']
    joints: list[str] = []
    for body in range(1, model.nbody):
        name = model.body(body).name
        if not name.startswith("panda0_"):
            continue
        links.append(f'<link name="{name}">{_visuals(model, body)}</link>')
        parent = model.body(model.body_parentid[body]).name
        parent = base if parent == "world" else parent
        origin = _origin(model.body_pos[body], model.body_quat[body])
        ends = f'<parent link="{parent}"/><child link="{name}"/>{origin}'
        joint = int(model.body_jntadr[body])
        if joint < 0:
            joints.append(f'<joint name="{name}_mount" type="fixed">{ends}</joint>')
            continue
        number = (*ARM_JOINTS, *FINGER_JOINTS).index(model.joint(joint).name)
        effort = (*TORQUE_LIMITS, 70.0, 70.0)[number]
        kind = "revolute" if number < len(ARM_JOINTS) else "prismatic"
        low, high = model.jnt_range[joint]
        called = f"{robot}_{model.joint(joint).name.removeprefix('panda_')}"
        joints.append(
            f'<joint name="{called}" type="{kind}">{ends}'
            f'<axis xyz="{_numbers(model.jnt_axis[joint])}"/>'
            f'<limit lower="{low:.6g}" upper="{high:.6g}" effort="{effort:g}" '
            f'velocity="{VELOCITY_LIMITS[number]:g}"/></joint>'
        )
    for camera in cameras:
        links.append(f'<link name="{camera}_color_optical_frame"/>')
        joints.append(_camera_joint(model, camera, base))
    return f'<?xml version="1.0"?><robot name="panda">{"".join(links + joints)}</robot>'


def _camera_joint(model: mujoco.MjModel, camera: str, base: str) -> str:
    """Return the fixed joint of a camera on a link of the arm, or on the world."""
    body = int(model.camera(camera).bodyid[0])
    position, turn = model.camera(camera).pos.copy(), model.camera(camera).quat.copy()
    while body and not model.body(body).name.startswith("panda0_"):
        position, turn = _composed(model.body_pos[body], model.body_quat[body], position, turn)
        body = int(model.body_parentid[body])
    mujoco.mju_mulQuat(optical := np.zeros(4), turn, OPTICAL)
    frame = f"{camera}_color_optical_frame"
    parent = model.body(body).name if body else base
    return (
        f'<joint name="{frame}_mount" type="fixed"><parent link="{parent}"/>'
        f'<child link="{frame}"/>{_origin(position, optical)}</joint>'
    )


def _composed(
    outer_position: np.ndarray, outer_turn: np.ndarray, position: np.ndarray, turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a pose in the frame around the one that it is given in; quaternions (w, x, y, z)."""
    place, whole = np.zeros(3), np.zeros(4)
    mujoco.mju_rotVecQuat(place, position, outer_turn)
    mujoco.mju_mulQuat(whole, outer_turn, turn)
    return outer_position + place, whole


def _visuals(model: mujoco.MjModel, body: int) -> str:
    parts = []
    for geom in range(model.ngeom):
        if model.geom_bodyid[geom] != body:
            continue
        colour = model.geom_rgba[geom]
        mesh = int(model.geom_dataid[geom])
        if mesh < 0:
            parts.append(_primitive(model, geom))
            continue
        for shape in mesh_shapes(model, mesh):
            centre, turn = _composed(
                model.geom_pos[geom], model.geom_quat[geom], shape.centre, shape.turn
            )
            parts.append(_visual(_origin(centre, turn), shape.kind, shape.size, colour))
    return "".join(parts)


def _primitive(model: mujoco.MjModel, geom: int) -> str:
    """Return the visual of a box or a cylinder, e.g. of a tool; empty: another shape."""
    x, y, z = (2.0 * float(half) for half in model.geom_size[geom])
    kinds = {
        int(mujoco.mjtGeom.mjGEOM_BOX): ("box", (x, y, z)),
        int(mujoco.mjtGeom.mjGEOM_CYLINDER): ("cylinder", (x, x, y)),
    }
    known = kinds.get(int(model.geom_type[geom]))
    if known is None:
        return ""
    origin = _origin(model.geom_pos[geom], model.geom_quat[geom])
    return _visual(origin, known[0], np.array(known[1]), model.geom_rgba[geom])


def _visual(origin: str, kind: str, size: np.ndarray, colour: np.ndarray) -> str:
    x, _, z = size
    if kind == "box":
        shape = f'<box size="{_numbers(size)}"/>'
    else:
        shape = f'<cylinder radius="{x / 2:.6g}" length="{z:.6g}"/>'
    rgba = _numbers(colour)
    paint = f'<material name="rgba {rgba}"><color rgba="{rgba}"/></material>'
    return f"<visual>{origin}<geometry>{shape}</geometry>{paint}</visual>"


def _origin(position: np.ndarray, quaternion: np.ndarray) -> str:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    r = matrix.reshape(3, 3)
    pitch = np.arcsin(np.clip(-r[2, 0], -1.0, 1.0))
    if abs(r[2, 0]) < 1.0 - 1e-9:
        roll, yaw = np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])
    else:
        roll, yaw = 0.0, np.arctan2(-r[0, 1], r[1, 1])
    return f'<origin xyz="{_numbers(position)}" rpy="{_numbers(np.array([roll, pitch, yaw]))}"/>'


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value + 0.0:.6g}" for value in np.round(values, 9))
