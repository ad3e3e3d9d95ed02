"""How MuJoCo renders a cell, and the two lights above it: the same in every twin."""

from __future__ import annotations

LIGHT_DEFAULT = (
    '<light directional="true" diffuse=".5 .5 .5" specular=".2 .2 .2" castshadow="false"/>'
)
LIGHTS = """<light name="left" pos="0.9 0.7 1.4" dir="-.35 -.45 -1.2"/>
    <light name="right" pos="0.9 -0.9 1.4" dir="-.35 .5 -1.2"/>"""
TABLE_SIZE = "3 3 0.2"
"""Half sizes and the side of a square, metres, of a plane that fills every picture.

MuJoCo draws an infinite plane in so many squares that a picture takes 2.6 times as long. A plane
of a size counts in the scene's extent, in which `near` is measured: such a scene states its own.
"""


def visual_xml(near: float, slices: int, stacks: int) -> str:
    """Return the section `visual` of a scene without headlight and shadows.

    Args:
        near: nearest that a camera renders, in extents of the scene.
        slices: slices of a cylinder or sphere around its axis.
        stacks: stacks of a cylinder or sphere along its axis.
    """
    return f"""<visual>
    <headlight active="0"/>
    <map znear="{near}" zfar="10"/>
    <quality offsamples="0" shadowsize="0" numslices="{slices}" numstacks="{stacks}" numquads="4"/>
    <global offwidth="640" offheight="480"/>
  </visual>"""
