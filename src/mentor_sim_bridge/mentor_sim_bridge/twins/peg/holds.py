"""What holds each peg: the hand, its place in the shelf, or nothing."""

from __future__ import annotations

import mujoco
import numpy as np

from mentor_sim_bridge.twins.arm.panda import GRASP_SITE
from mentor_sim_bridge.twins.peg.config import PegCellConfig
from mentor_sim_bridge.twins.peg.scene import FLOORS, SKIN, held, place_in_shelf, stored
from mentor_sim_bridge.twins.peg.shapes import PEGS

REACH = np.array([0.008, 0.005, 0.010])
"""Distances of a block's middle from the grasp point within which the fingers close on it: along
the fingers' faces, between them, and in height; metres."""
UPRIGHT = 0.97
"""Cosine of a peg's tilt up to which the fingers can take it and a place holds it."""


class Holds:
    """Ties pegs to the hand and to the shelf by equalities, and unties them.

    Args:
        config: configuration of the cell.
        model: model of the cell; `eq_data` is written.
        data: its state.
    """

    def __init__(self, config: PegCellConfig, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._config, self._model, self._data = config, model, data
        self._site = model.site(GRASP_SITE).id
        self._hand = model.site_bodyid[self._site]
        self._shelf = model.body("shelf").id
        self._held = {peg: model.equality(held(peg)).id for peg in PEGS}
        self._stored = {peg: model.equality(stored(peg)).id for peg in PEGS}
        self.in_hand = ""
        """The peg in the hand; empty: none."""
        self._loose: set[str] = set()  # pegs that were let go
        self._sides = {peg: np.flatnonzero(model.geom_bodyid == model.body(peg).id) for peg in PEGS}
        self._floors = np.array([model.geom(name).id for name in FLOORS])
        for sides in self._sides.values():
            self._begin_contacts(sides, SKIN)
        self._begin_contacts(self._floors, 0.0)

    def watch_fall(self) -> None:
        """Have contacts of a peg that was let go begin as far ahead as it moves in two steps of
        physics, so that they stop it before it is inside of what it falls on: those of all its
        sides above the board, those with floors alone within a socket, whose walls it slides by."""
        if not self._loose:
            return
        board, furthest = self._config.board, 0.0
        for peg in sorted(self._loose):
            ahead, body = 0.0, self._data.body(peg)
            if self.holds(peg):
                self._loose.remove(peg)
            else:
                dof = self._model.joint(peg).dofadr[0]
                speed = float(np.linalg.norm(self._data.qvel[dof : dof + 3]))
                ahead = 2.0 * speed * self._model.opt.timestep
            above = body.xpos[2] > board.thickness - board.chamfer
            self._begin_contacts(self._sides[peg], SKIN + ahead if above else SKIN)
            furthest = max(furthest, ahead)
        self._begin_contacts(self._floors, furthest)

    def _begin_contacts(self, geoms: np.ndarray, margin: float) -> None:
        """Have contacts begin at a distance (metres) from geoms. Their bodies' margins, by which
        MuJoCo finds what may touch, are the greatest of their geoms'."""
        self._model.geom_margin[geoms] = margin
        self._model.body_margin[self._model.geom_bodyid[geoms]] = margin

    def holds(self, peg: str) -> bool:
        """Return whether hand or shelf hold a peg."""
        return bool(self._data.eq_active[[self._held[peg], self._stored[peg]]].any())

    def force(self) -> float:
        """Return the force between hand and peg, newtons."""
        return float(np.linalg.norm(self._data.efc_force[:3]))  # the first rows: `held` comes first

    def put_into_hand(self, peg: str, offset: np.ndarray) -> None:
        """Have a peg in the hand.

        Args:
            peg: its name.
            offset: x, y, z (metres) and yaw (radians) off its nominal pose; z is upwards.
        """
        rotation = self._data.site_xmat[self._site].reshape(3, 3)
        yaw = float(np.arctan2(rotation[1, 0], rotation[0, 0])) + offset[3]
        below = np.array([offset[0], -offset[1], self._config.grasp_height - offset[2]])
        self._set_pose(peg, self._data.site_xpos[self._site] + rotation @ below, yaw)
        self._take(peg)

    def store(self, peg: str) -> None:
        """Have a peg stand in its place in the shelf."""
        self._model.body_gravcomp[self._model.body(peg).id] = 0.0
        self._set_pose(peg, place_in_shelf(self._config, peg), 0.0)
        self._tie(self._stored[peg], self._shelf, peg)

    def between_fingers(self) -> str:
        """Return the peg whose block is between the fingers; empty: none."""
        rotation = self._data.site_xmat[self._site].reshape(3, 3)
        for peg in PEGS:
            body = self._data.body(peg)
            up = body.xmat.reshape(3, 3)[:, 2]
            block = body.xpos + self._config.grasp_height * up
            away = rotation.T @ (block - self._data.site_xpos[self._site])
            if (np.abs(away) <= REACH).all() and up[2] > UPRIGHT:
                return peg
        return ""

    def grasp(self, peg: str) -> None:
        """Tie a peg to the hand as it is; nothing changes for one that is there already."""
        if peg and peg != self.in_hand:
            self._data.eq_active[self._stored[peg]] = 0
            self._take(peg)

    def release(self) -> None:
        """Let go of the peg in the hand; at its place in the shelf it stays there."""
        peg = self.in_hand
        self.drop()
        if not peg:
            return
        body, place = self._data.body(peg), place_in_shelf(self._config, peg)
        upright = body.xmat[8] > UPRIGHT
        if upright and np.linalg.norm(body.xpos - place) <= self._config.shelf.catch:
            self._tie(self._stored[peg], self._shelf, peg, place)

    def drop(self) -> None:
        """Let go of the peg in the hand, wherever it is."""
        if self.in_hand:
            self._data.eq_active[self._held[self.in_hand]] = 0
            self._loose.add(self.in_hand)
            self._model.body_gravcomp[self._model.body(self.in_hand).id] = 0.0
        self.in_hand = ""

    def _take(self, peg: str) -> None:
        """Tie a peg to the hand where it is; the arm's control bears its weight."""
        self._tie(self._held[peg], self._hand, peg)
        self._model.body_gravcomp[self._model.body(peg).id] = 1.0
        self.in_hand = peg

    def _set_pose(self, peg: str, position: np.ndarray, yaw: float) -> None:
        address = self._model.joint(peg).qposadr[0]
        dof = self._model.joint(peg).dofadr[0]
        self._data.qpos[address : address + 3] = position
        self._data.qpos[address + 3 : address + 7] = [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]
        self._data.qvel[dof : dof + 6] = 0.0
        mujoco.mj_kinematics(self._model, self._data)

    def _tie(self, equality: int, body: int, peg: str, position: np.ndarray | None = None) -> None:
        """Tie a peg to a body: where it is, or upright at a position to which it is pulled."""
        data, other = self._data, self._model.body(peg).id
        where = data.xpos[other] if position is None else position
        how = data.xquat[other] if position is None else np.array([1.0, 0.0, 0.0, 0.0])
        back, back_turn, place, turn = np.zeros(3), np.zeros(4), np.zeros(3), np.zeros(4)
        mujoco.mju_negPose(back, back_turn, data.xpos[body], data.xquat[body])
        mujoco.mju_mulPose(place, turn, back, back_turn, where, how)
        self._model.eq_data[equality] = [0.0, 0.0, 0.0, *place, *turn, 1.0]
        data.eq_active[equality] = 1
