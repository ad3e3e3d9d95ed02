"""The workcell as a MuJoCo specification: table, board, shelf, pegs, cameras, lights, arm."""

from __future__ import annotations

import mujoco
import numpy as np

from mentor_sim_bridge.twins.arm.camera_xml import camera_xml
from mentor_sim_bridge.twins.arm.panda import GRASP_HEIGHT, GRASP_SITE, attach_panda
from mentor_sim_bridge.twins.arm.visual_xml import LIGHT_DEFAULT, LIGHTS, TABLE_SIZE, visual_xml
from mentor_sim_bridge.twins.peg.config import PegCellConfig
from mentor_sim_bridge.twins.peg.shapes import PEGS, fan, grown, outline, prism, ring

CAMERAS = ("wrist", "side")
SOLID = 'condim="3" solref="0.004 1" solimp="0.98 0.995 0.0002"'
"""Contact so stiff that 30 N press a peg into a wall by less than 0.3 mm."""
SKIN = 0.00015
"""Distance from its surface at which a peg's contacts begin, metres. The sockets are wider by as
much, so that the play is the configured one."""
FLOORS = ("table", "socket_floor", "shelf_plate")
"""Names of the level surfaces that a peg can fall on, beside the board's upper side."""
CLEARANCE = 0.0003
"""Height of a stored peg above the plate, metres: the shelf holds it, no contact is solved."""
WRIST_PLACE, WRIST_TARGET = (0.070, 0.0, -0.045), (0.0, 0.0, 0.055)
"""Positions of the wrist camera and of what it points at, from the grasp point, in the frame of the
hand (z along the fingers); metres."""
WRIST_VIEW, SIDE_VIEW = 62.0, 30.0
"""Vertical fields of view, degrees."""


def held(peg: str) -> str:
    """Return the name of the equality that holds a peg in the hand."""
    return f"{peg}_in_hand"


def stored(peg: str) -> str:
    """Return the name of the equality that holds a peg in its place in the shelf."""
    return f"{peg}_in_shelf"


def place_in_shelf(config: PegCellConfig, peg: str) -> np.ndarray:
    """Return where the lower end of a stored peg stands, (3,) metres."""
    x, y = config.shelf.position
    return np.array(
        [x, y + (PEGS.index(peg) - 1) * config.shelf.pitch, config.shelf.height + CLEARANCE]
    )


def peg_scene(config: PegCellConfig) -> mujoco.MjSpec:
    """Return the cell as configured, with nominal poses, colours, light and cameras.

    The equalities of `held` come first, those of `stored` after them; none is active.
    """
    spec = mujoco.MjSpec.from_string(_fixture_xml(config))
    attach_panda(spec)
    hand = spec.site(GRASP_SITE).parent
    for name, body in ((held, hand.name), (stored, "shelf")):
        for peg in PEGS:
            weld = spec.add_equality()
            weld.name = name(peg)
            weld.type = mujoco.mjtEq.mjEQ_WELD
            weld.objtype = mujoco.mjtObj.mjOBJ_BODY
            weld.name1, weld.name2 = body, peg
            weld.solref = [0.02, 1.0]  # slower than the contacts, so that these do not chatter,
            weld.solimp = [0.99, 0.999, 0.0002, 0.5, 2.0]  # and so hard that no peg tilts away
            weld.active = False
    _add_wrist_camera(hand)
    return spec


def _add_wrist_camera(hand: mujoco.MjsBody) -> None:
    place, target = (np.array([x, y, z + GRASP_HEIGHT]) for x, y, z in (WRIST_PLACE, WRIST_TARGET))
    back = (place - target) / np.linalg.norm(place - target)
    right = np.cross([0.0, 0.0, -1.0], back)
    right /= np.linalg.norm(right)
    rotation = np.column_stack([right, np.cross(back, right), back])
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    camera = hand.add_camera()
    camera.name, camera.fovy = "wrist", WRIST_VIEW
    camera.pos, camera.quat = place, quaternion


def _mesh_xml(name: str, points: np.ndarray) -> str:
    vertices = " ".join(f"{value:.6f}" for value in points.ravel())
    return f'<mesh name="{name}" vertex="{vertices}"/>'


def _board_xml(config: PegCellConfig) -> tuple[str, str]:
    """Return meshes and geoms of the board: a floor plate, and a ring of walls per socket."""
    board = config.board
    meshes, walls = "", ""
    for number, peg in enumerate(PEGS):
        hole = grown(outline(peg, config.peg(peg).socket_yaw), config.pegs.play / 2 + SKIN)
        edge = board.thickness - board.chamfer
        for number_of_piece, piece in enumerate(ring(hole, board.pitch / 2, board.chamfer)):
            parts = {"wall": prism(piece.corners, board.floor, edge)}
            if board.chamfer > 0.0:
                parts["chamfer"] = prism(piece.corners, edge, board.thickness, piece.widened)
            for part, points in parts.items():
                name = f"{peg}_{part}_{number_of_piece}"
                meshes += _mesh_xml(name, points)
                walls += (
                    f'<geom class="fixture" type="mesh" mesh="{name}" material="board" '
                    f'pos="0 {(number - 1) * board.pitch} 0"/>'
                )
    floor = (
        '<geom name="socket_floor" class="fixture" type="box" material="socket" '
        f'pos="0 0 {board.floor / 2}" '
        f'size="{board.pitch / 2} {1.5 * board.pitch} {board.floor / 2}"/>'
    )
    return meshes, floor + walls


def _peg_xml(config: PegCellConfig, peg: str) -> tuple[str, str]:
    """Return meshes and body of a peg: a prism with a block to grip, origin at its lower end."""
    pegs = config.pegs
    meshes, geoms = "", ""
    for piece, corners in enumerate(fan(outline(peg))):
        meshes += _mesh_xml(f"{peg}_{piece}", prism(corners, 0.0, pegs.length))
        geoms += f'<geom class="peg" type="mesh" mesh="{peg}_{piece}" material="{peg}"/>'
    block = (
        f'<geom class="decoration" type="box" material="{peg}" mass="0.01" '
        f'size="0.006 {config.peg(peg).grip / 2} {pegs.block / 2}" '
        f'pos="0 0 {pegs.length + pegs.block / 2}"/>'
    )
    x, y, z = place_in_shelf(config, peg)
    body = (
        f'<body name="{peg}" pos="{x} {y} {z}" gravcomp="1"><freejoint name="{peg}"/>'
        f"{geoms}{block}</body>"
    )
    return meshes, body


def _shelf_xml(config: PegCellConfig) -> str:
    shelf = config.shelf
    x, y = shelf.position
    return (
        f'<body name="shelf" pos="{x} {y} 0">'
        f'<geom name="shelf_plate" class="fixture" type="box" material="shelf" '
        f'size="0.026 {1.5 * shelf.pitch} {shelf.height / 2}" pos="0 0 {shelf.height / 2}"/></body>'
    )


def _fixture_xml(config: PegCellConfig) -> str:
    board_meshes, board = _board_xml(config)
    pegs = [_peg_xml(config, peg) for peg in PEGS]
    x, y = config.board.position
    return f"""<mujoco model="peg_insertion">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{config.motion.timestep}" cone="elliptic" integrator="implicitfast"
          solver="Newton" iterations="30" ls_iterations="20" tolerance="1e-8" jacobian="dense">
    <flag multiccd="enable"/>
  </option>
  <size memory="32M"/>
  <statistic extent="2.24"/>
  {visual_xml(near=0.01, slices=8, stacks=4)}
  <default>
    <default class="fixture"><geom contype="2" conaffinity="1" {SOLID}/></default>
    <default class="peg">
      <geom contype="1" conaffinity="2" density="{config.pegs.density}" margin="{SKIN}"
            {SOLID}/>
    </default>
    <default class="decoration"><geom contype="0" conaffinity="0"/></default>
    {LIGHT_DEFAULT}
  </default>
  <asset>
    <material name="table" rgba=".45 .42 .38 1" specular="0.1" shininess="0.2"/>
    <material name="board" rgba=".7 .7 .65 1" specular="0.1"/>
    <material name="socket" rgba=".1 .1 .1 1" specular="0.1"/>
    <material name="shelf" rgba=".25 .25 .27 1"/>
    <material name="star" rgba=".85 .2 .1 1" specular="0.2"/>
    <material name="triangle" rgba=".1 .6 .25 1" specular="0.2"/>
    <material name="arrow" rgba=".1 .3 .7 1" specular="0.2"/>
    {board_meshes}
    {"".join(meshes for meshes, _ in pegs)}
  </asset>
  <worldbody>
    {LIGHTS}
    <geom name="table" class="fixture" type="plane" size="{TABLE_SIZE}" material="table"/>
    <body name="board" pos="{x} {y} 0">{board}</body>
    {_shelf_xml(config)}
    {camera_xml("side", [x + 0.36, y, 0.27], [x, y, 0.05], SIDE_VIEW)}
    {"".join(body for _, body in pegs)}
  </worldbody>
</mujoco>"""
