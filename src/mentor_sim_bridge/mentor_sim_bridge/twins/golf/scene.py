"""The workcell as a MuJoCo specification: court, ball, border, gutter, club, cameras, lights, arm.

MuJoCo moves the arm and renders the cell. The ball is rendered where `Ball` has it: three sliding
joints without forces, whose positions are set after each step.
"""

from __future__ import annotations

import mujoco
import numpy as np

from mentor_common.tasks.golf_court import Court
from mentor_sim_bridge.twins.arm.camera_xml import camera_xml
from mentor_sim_bridge.twins.arm.panda import GRASP_SITE, attach_panda, panda_spec
from mentor_sim_bridge.twins.arm.visual_xml import LIGHT_DEFAULT, LIGHTS, TABLE_SIZE, visual_xml
from mentor_sim_bridge.twins.golf.config import GolfConfig

CAMERAS = ("wrist", "side", "court_long", "court_short")
BALL_JOINTS = ("ball_x", "ball_y", "ball_z")
THICKNESS = 0.010
"""Thickness of the border, metres."""
LIFT = 0.0004
"""Height of what is painted on the felt above it, metres."""
SIDE_VIEW, COURT_LONG_VIEW, COURT_SHORT_VIEW, WRIST_VIEW = 74.0, 72.0, 48.0, 84.0
"""Vertical fields of view of the square images, degrees."""


def golf_scene(config: GolfConfig, court: Court, grasp_height: float) -> mujoco.MjSpec:
    """Return the whole cell, with nominal colours, light and cameras.

    Args:
        config: configuration of the twin.
        court: court of the task.
        grasp_height: metres of the grasp point above the felt.
    """
    spec = mujoco.MjSpec.from_string(_court_xml(config, court))
    attach_panda(spec)
    _add_club(spec, config, grasp_height)
    return spec


def camera_places(court: Court) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Return place, target (metres) and field of view (degrees) of the fixed cameras.

    The court cameras stand at the middle of two adjacent sides (App. C.3).
    """
    (x0, y0), (x1, y1) = court.inside.low, court.inside.high
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return {
        "side": (np.array([x1 + 0.33, y, 0.55]), np.array([x + 0.02, y, -0.02]), SIDE_VIEW),
        "court_long": (
            np.array([x1 + 0.14, y, 0.80]), np.array([x - 0.04, y, 0.0]), COURT_LONG_VIEW
        ),
        "court_short": (
            np.array([x, y0 - 0.27, 0.75]), np.array([x, y0 + 0.30, 0.0]), COURT_SHORT_VIEW
        ),
    }  # fmt: skip


def _add_club(spec: mujoco.MjSpec, config: GolfConfig, grasp_height: float) -> None:
    """Hang the club from the grasp point, and the wrist camera from the hand beside it.

    The site's frame: z down, y along the stroke at r = 0, x across.
    """
    site = next(site for site in spec.sites if site.name == GRASP_SITE)
    hand = site.parent
    # Compiled, as the specification may have the site's orientation in another form.
    compiled = panda_spec().compile().site(GRASP_SITE)
    turn, origin, matrix = np.array(compiled.quat), np.array(compiled.pos), np.zeros(9)
    mujoco.mju_quat2Mat(matrix, turn)
    frame = matrix.reshape(3, 3)
    club = config.club
    drop = grasp_height - club.clearance - club.half_height
    for name, kind, size, offset in (
        ("club_shaft", mujoco.mjtGeom.mjGEOM_CYLINDER, [0.006, drop / 2, 0.0], drop / 2),
        (
            "club_head",
            mujoco.mjtGeom.mjGEOM_BOX,
            [club.half_width, club.half_thickness, club.half_height],
            drop,
        ),
    ):
        geom = hand.add_geom()
        geom.name, geom.type, geom.size = name, kind, size
        geom.pos, geom.quat = origin + frame @ [0.0, 0.0, offset], turn
        geom.contype = geom.conaffinity = 0
        geom.mass, geom.material = 0.1, "club"
    camera = hand.add_camera()
    camera.name, camera.fovy = "wrist", WRIST_VIEW
    place, target = np.array([0.0, 0.065, -0.06]), np.array([0.0, 0.05, grasp_height - 0.02])
    back = place - target
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    axes = frame @ np.column_stack([right, np.cross(back, right), back])
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, axes.ravel())
    camera.pos, camera.quat = origin + frame @ place, quaternion


def _border_xml(config: GolfConfig, court: Court) -> str:
    (x0, y0), (x1, y1) = court.inside.low, court.inside.high
    height, half = config.ball.border_height, THICKNESS / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    bars = {
        "near": (x0 - half, y, half, (y1 - y0) / 2 + THICKNESS),
        "far": (x1 + half, y, half, (y1 - y0) / 2 + THICKNESS),
        "end": (x, y0 - half, (x1 - x0) / 2, half),
        "start": (x, y1 + half, (x1 - x0) / 2, half),
    }
    return "".join(
        f'<geom name="border_{name}" class="still" type="box" material="border" '
        f'size="{wide} {long} {height / 2 + 0.01}" pos="{px} {py} {height / 2 - 0.01}"/>'
        for name, (px, py, wide, long) in bars.items()
    )


def _court_xml(config: GolfConfig, court: Court) -> str:
    (x0, y0), (x1, y1) = court.inside.low, court.inside.high
    x, y, half_x, half_y = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    (wx0, wy0), (wx1, wy1) = court.water.low, court.water.high
    gutter = 2 * config.ball.gutter_width
    depth, radius = config.ball.gutter_depth, court.ball_radius
    cameras = "".join(camera_xml(name, *view) for name, view in camera_places(court).items())
    joints = "".join(
        f'<joint name="{name}" type="slide" axis="{axis}" damping="0"/>'
        for name, axis in zip(BALL_JOINTS, ("1 0 0", "0 1 0", "0 0 1"), strict=True)
    )
    return f"""<mujoco model="tabletop_golf">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{config.motion.timestep}" cone="pyramidal" jacobian="dense"
          integrator="implicitfast" solver="Newton" iterations="30" ls_iterations="20"
          tolerance="1e-8"/>
  <size memory="16M"/>
  <statistic extent="2.3"/>
  {visual_xml(near=0.02, slices=16, stacks=10)}
  <default>
    <default class="still"><geom contype="0" conaffinity="0"/></default>
    {LIGHT_DEFAULT}
  </default>
  <asset>
    <material name="table" rgba=".5 .5 .5 1" specular="0.1"/>
    <material name="felt" rgba=".1 .4 .15 1" specular="0"/>
    <material name="water" rgba=".1 .3 .7 1" specular="0.3"/>
    <material name="border" rgba=".7 .7 .68 1" specular="0.1"/>
    <material name="ball" rgba="1 .45 .08 1" specular="0.3"/>
    <material name="hole" rgba=".03 .03 .03 1" specular="0"/>
    <material name="club" rgba=".55 .56 .6 1" specular="0.4"/>
  </asset>
  <worldbody>
    {LIGHTS}
    <geom name="table" class="still" type="plane" size="{TABLE_SIZE}" pos="0 0 -0.06"
          material="table"/>
    <geom name="device" class="still" type="box" material="border"
          size="{half_x + gutter} {half_y + gutter} 0.02" pos="{x} {y} {-depth - 0.021}"/>
    <geom name="felt" class="still" type="box" material="felt" size="{half_x} {half_y} 0.02"
          pos="{x} {y} -0.02"/>
    <geom name="hole" class="still" type="cylinder" material="hole"
          size="{court.hole_radius} {LIFT}" pos="{court.hole[0]} {court.hole[1]} 0"/>
    <geom name="water" class="still" type="box" material="water"
          size="{(wx1 - wx0) / 2} {(wy1 - wy0) / 2} {LIFT}"
          pos="{(wx0 + wx1) / 2} {(wy0 + wy1) / 2} 0"/>
    {_border_xml(config, court)}
    {cameras}
    <body name="ball" pos="0 0 {radius}" gravcomp="1">{joints}
      <geom name="ball" class="still" type="sphere" size="{radius}" material="ball"
            mass="{config.ball.mass}"/>
    </body>
  </worldbody>
</mujoco>"""
