"""The workcell as a MuJoCo specification: table, post, cable, two slots, cameras, lights, arm."""

from __future__ import annotations

import mujoco
import numpy as np

from mentor_sim_bridge.twins.arm.camera_xml import camera_xml
from mentor_sim_bridge.twins.arm.panda import GRASP_SITE, attach_panda
from mentor_sim_bridge.twins.arm.visual_xml import LIGHT_DEFAULT, LIGHTS, visual_xml
from mentor_sim_bridge.twins.cable.config import CableConfig, SlotConfig
from mentor_sim_bridge.twins.cable.sampled_scene import SampledScene

CAMERAS = ("side", "slot_1", "slot_2")
TIE = "grasp_tie"
WALLS = tuple(f"{slot}_wall_{side}" for slot in ("slot_1", "slot_2") for side in ("left", "right"))


def cable_scene(config: CableConfig, scene: SampledScene) -> mujoco.MjSpec:
    """Return the whole cell of one episode, with nominal colours, light and cameras.

    The cable's end is tied to the grasp site by the equality `grasp_tie`.
    """
    spec = mujoco.MjSpec.from_string(_fixture_xml(config, scene))
    attach_panda(spec)
    tie = spec.add_equality()
    tie.name = TIE
    tie.type = mujoco.mjtEq.mjEQ_CONNECT
    tie.objtype = mujoco.mjtObj.mjOBJ_SITE
    tie.name1 = "cable_S_last"
    tie.name2 = GRASP_SITE
    tie.solref = [0.01, 1.0]
    return spec


def _slot_xml(name: str, slot: SlotConfig) -> str:
    """Two walls along the local y axis on a floor plate; no hooks."""
    half = slot.length / 2
    offset = slot.gap / 2 + slot.wall_thickness / 2
    walls = "".join(
        f'<geom name="{name}_wall_{side}" class="fixture" type="box" material="{name}" '
        f'size="{slot.wall_thickness / 2} {half} {slot.wall_height / 2}" '
        f'pos="{sign * offset} 0 {slot.wall_height / 2}"/>'
        for side, sign in (("left", -1), ("right", 1))
    )
    return (
        f'<body name="{name}" pos="{slot.position[0]} {slot.position[1]} 0" '
        f'euler="0 0 {slot.yaw}">{walls}</body>'
    )


def _slot_camera_xml(name: str, slot: SlotConfig, field_of_view: float) -> str:
    """Looks along the channel from the post's side, from above, at the walls' upper edges.

    It stands 0.48 m off and sees 110 mm (13.1 degrees): the middle 144 x 144 pixels of a colour
    image of 640 x 480 that spans 42 degrees. From so far the cable looks equally wide at every
    height.
    """
    along = np.array([-np.sin(slot.yaw), np.cos(slot.yaw), 0.0])
    target = np.array([*slot.position, slot.wall_height * 0.75])
    position = target + 0.35 * along + np.array([0.09, 0.0, 0.31])
    return camera_xml(name, position, target, field_of_view)


def _fixture_xml(config: CableConfig, scene: SampledScene) -> str:
    cable, motion, post = config.cable, config.motion, scene.post
    rubs = f'condim="3" friction="{scene.friction} 0.005 0.0001"'
    cameras = (
        camera_xml("side", np.array([0.98, 0.02, 0.46]), np.array([0.47, -0.015, 0.055]), 54.0)
        + _slot_camera_xml("slot_1", config.slot_1, config.slot_field_of_view)
        + _slot_camera_xml("slot_2", config.slot_2, config.slot_field_of_view)
    )
    return f"""<mujoco model="cable_routing">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{motion.timestep}" cone="pyramidal" jacobian="dense" integrator="implicitfast"
          solver="Newton" iterations="30" ls_iterations="20" tolerance="1e-8"/>
  <size memory="16M"/>
  <extension><plugin plugin="mujoco.elasticity.cable"/></extension>
  {visual_xml(near=0.02, slices=8, stacks=4)}
  <default>
    <default class="fixture">
      <geom contype="0" conaffinity="1" {rubs}/>
    </default>
    {LIGHT_DEFAULT}
    <default class="decoration"><geom contype="0" conaffinity="0"/></default>
  </default>
  <asset>
    <material name="table" rgba=".65 .62 .56 1" specular="0.1" shininess="0.2"/>
    <material name="cable" rgba=".9 .2 .1 1" specular="0.2"/>
    <material name="slot_1" rgba=".1 .3 .7 1" specular="0.2"/>
    <material name="slot_2" rgba=".1 .5 .25 1" specular="0.2"/>
    <material name="post" rgba=".25 .25 .27 1"/>
  </asset>
  <worldbody>
    {LIGHTS}
    <geom name="table" class="fixture" type="plane" size="0 0 0.1" material="table"/>
    <geom name="post" class="decoration" type="cylinder" size="0.012 {post[2] / 2 + 0.006}"
          pos="{post[0]} {post[1] + 0.006} {post[2] / 2 + 0.006}" material="post"/>
    {_slot_xml("slot_1", scene.slot_1)}
    {_slot_xml("slot_2", scene.slot_2)}
    {cameras}
    <body name="anchor" pos="{post[0]} {post[1]} {post[2]}" euler="0 0 {-np.pi / 2}">
      <composite type="cable" prefix="cable_" initial="ball" curve="s"
                 count="{cable.segments + 1} 1 1" size="{scene.cable_length}">
        <plugin plugin="mujoco.elasticity.cable">
          <config key="twist" value="{scene.bend_modulus}"/>
          <config key="bend" value="{scene.bend_modulus}"/>
          <config key="flat" value="true"/>
        </plugin>
        <joint kind="main" damping="{cable.damping}" armature="1e-6"/>
        <geom type="capsule" size="{cable.radius}" density="{cable.density}" material="cable"
              contype="1" conaffinity="0" {rubs}/>
      </composite>
    </body>
  </worldbody>
</mujoco>"""
