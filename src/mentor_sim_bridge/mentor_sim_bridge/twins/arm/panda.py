"""The Franka Panda with its gripper, from the meshes that gymnasium-robotics installs.

Kinematics, masses and the hulls of its links come from that package's `kitchen_franka` assets,
found at run time. The hulls (2,300 faces) also are what the cameras see: the visual meshes have
136,000 faces and would cost 10 ms a frame.
"""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import mujoco
import numpy as np

ARM_JOINTS = tuple(f"panda_joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")
GRASP_SITE = "grasp"
GRASP_HEIGHT = 0.245
"""Distance of the grasp point from the frame of link 7, metres."""
TORQUE_LIMITS = np.array([87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0])
"""Newton metres, joint 1 to 7."""
LINK_COLOURS = {"hand": ".22 .22 .24 1", "finger": ".12 .12 .13 1", "link": ".88 .89 .9 1"}
ASSETS = "envs/assets/kitchen_franka/franka_assets"


@cache
def assets_folder() -> Path:
    """Return the folder of the installed assets.

    Raises:
        FileNotFoundError: gymnasium-robotics, or its Franka assets, are not installed.
    """
    found = importlib.util.find_spec("gymnasium_robotics")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            "gymnasium-robotics is not installed; the Panda's meshes are taken from it: "
            "pip install gymnasium-robotics"
        )
    folder = Path(next(iter(found.submodule_search_locations))) / ASSETS
    if not (folder / "chain.xml").exists():
        raise FileNotFoundError(f"{folder} holds no chain.xml; use gymnasium-robotics 1.4.2")
    return folder


def panda_spec() -> mujoco.MjSpec:
    """Return the arm alone, base at the origin, without actuators and without contacts.

    Joints are named as franka_description names them; the site `grasp` lies between the fingers.
    """
    folder = assets_folder()
    base = ET.parse(folder / "chain.xml").getroot().find("body")
    assert base is not None
    for body in base.iter("body"):
        _keep_hulls(body)
        for site in body.findall("site"):
            site.set("name", GRASP_SITE)
            site.set("pos", f"0 0 {GRASP_HEIGHT}")
            site.set("group", "4")
        for joint in body.findall("joint"):
            joint.set("name", joint.get("name", "").replace("robot:panda0_", "panda_"))
    _keep_hulls(base)
    meshes = "".join(
        f'<mesh name="{file.stem}_col" file="{file.name}"'
        + (' scale="1.75 1 1.75"' if file.stem == "finger" else "")
        + "/>"
        for file in sorted((folder / "meshes" / "collision").glob("*.stl"))
    )
    text = ET.tostring(base, encoding="unicode")
    return mujoco.MjSpec.from_string(
        f"""<mujoco model="panda">
  <compiler angle="radian" meshdir="{folder / "meshes" / "collision"}" autolimits="true"/>
  <asset>{meshes}</asset>
  <default>
    <default class="panda">
      <joint axis="0 0 1" limited="true"/>
      <geom type="mesh" contype="0" conaffinity="0"/>
      <default class="panda_arm"><joint damping="2" armature="0.1"/></default>
      <default class="panda_forearm"><joint damping="1" armature="0.05"/></default>
      <default class="panda_finger"><joint damping="20" armature="0.5"/></default>
    </default>
  </default>
  <worldbody>{text}</worldbody>
</mujoco>"""
    )


def attach_panda(spec: mujoco.MjSpec) -> None:
    """Add the arm to a scene, base at the origin, with motors in its joints and finger servos."""
    spec.attach(panda_spec(), frame=spec.worldbody.add_frame(), prefix="", suffix="")
    for joint, limit in zip(ARM_JOINTS, TORQUE_LIMITS, strict=True):
        motor = spec.add_actuator()
        motor.name = motor.target = joint
        motor.trntype = mujoco.mjtTrn.mjTRN_JOINT
        motor.ctrlrange = motor.forcerange = [-limit, limit]
    for joint in FINGER_JOINTS:
        servo = spec.add_actuator()
        servo.name = servo.target = joint
        servo.trntype = mujoco.mjtTrn.mjTRN_JOINT
        servo.gainprm[0] = 500.0
        servo.biastype = mujoco.mjtBias.mjBIAS_AFFINE
        servo.biasprm[1] = -500.0
        servo.ctrlrange = [0.0, 0.04]
        servo.forcerange = [-70.0, 70.0]


def _keep_hulls(body: ET.Element) -> None:
    """Leave one geom per link: its hull, with the link's mass."""
    for geom in body.findall("geom"):
        mesh = geom.get("mesh", "")
        if mesh == "finger_viz":
            geom.set("mesh", "finger_col")
            geom.set("mass", "0")
        elif not mesh.endswith("_col"):
            body.remove(geom)
            continue
        name = geom.get("mesh", "").removesuffix("_col")
        geom.attrib.pop("class", None)
        geom.set("rgba", LINK_COLOURS.get(name, LINK_COLOURS["link"]))
