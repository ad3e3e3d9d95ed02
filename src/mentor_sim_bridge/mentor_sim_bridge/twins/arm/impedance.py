"""Cartesian impedance control of the arm, with a null space and gravity compensation."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.linalg.lapack import dgesv

from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, GRASP_SITE, TORQUE_LIMITS


@dataclass(frozen=True)
class ImpedanceGains:
    """Stiffness and damping of the end effector.

    Args:
        stiffness: N/m along each axis.
        damping: N s/m.
        rotational_stiffness: N m/rad.
        rotational_damping: N m s/rad.
        turn_stiffness: N m/rad about the vertical axis; None: as about the others.
        nullspace_stiffness: N m/rad, towards the rest posture.
        nullspace_damping: N m s/rad.
    """

    stiffness: float = 1200.0
    damping: float = 90.0
    rotational_stiffness: float = 60.0
    rotational_damping: float = 5.0
    turn_stiffness: float | None = None
    nullspace_stiffness: float = 5.0
    nullspace_damping: float = 2.0


class ImpedanceController:
    """tau = J^T (K e - D xdot) + N^T (K_n (q_rest - q) - D_n qdot) + gravity and Coriolis.

    Args:
        model: holds the joints of the Panda and its grasp site.
        gains: gains of the end effector.
    """

    def __init__(self, model: mujoco.MjModel, gains: ImpedanceGains) -> None:
        self._model = model
        self._gains = gains
        self._turned = np.nan
        self._rotation = np.eye(3)
        self._site = model.site(GRASP_SITE).id
        joints = [model.joint(name) for name in ARM_JOINTS]
        self._qpos = slice(joints[0].qposadr[0], joints[0].qposadr[0] + 7)
        self._dofs = slice(joints[0].dofadr[0], joints[0].dofadr[0] + 7)
        self._jacobian = np.zeros((6, model.nv))
        self._translation, self._turning = self._jacobian[:3], self._jacobian[3:]
        self._arm = self._jacobian[:, self._dofs]
        self._rest = np.zeros(7)
        self._stiffness = np.repeat([gains.stiffness, gains.rotational_stiffness], 3)
        if gains.turn_stiffness is not None:
            self._stiffness[5] = gains.turn_stiffness
        self._damping = np.repeat([gains.damping, gains.rotational_damping], 3)
        self._ridge = 1e-6 * np.eye(6)
        self._error = np.zeros(6)

    def rest(self, posture: np.ndarray) -> None:
        """Set the posture, (7,) radians, to which the null space pulls."""
        self._rest = np.array(posture, dtype=np.float64)

    @staticmethod
    def rotation(turn: float) -> np.ndarray:
        """Return the orientation (3, 3) of a gripper that points down, turned by `turn` radians."""
        cos, sin = np.cos(turn), np.sin(turn)
        return np.array([[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]])

    def torques(self, data: mujoco.MjData, pose: np.ndarray) -> np.ndarray:
        """Return joint torques (7,) in N m that pull the grasp point to `pose`.

        Args:
            data: the state.
            pose: (x, y, z, r), metres, and radians about the vertical axis.
        """
        position = pose[:3]
        if pose[3] != self._turned:
            self._turned, self._rotation = pose[3], self.rotation(pose[3])
        mujoco.mj_jacSite(self._model, data, self._translation, self._turning, self._site)
        jacobian = self._arm
        velocity = data.qvel[self._dofs]
        turn = self._rotation @ data.site_xmat[self._site].reshape(3, 3).T
        error = self._error
        error[:3] = position - data.site_xpos[self._site]
        error[3] = 0.5 * (turn[2, 1] - turn[1, 2])
        error[4] = 0.5 * (turn[0, 2] - turn[2, 0])
        error[5] = 0.5 * (turn[1, 0] - turn[0, 1])
        wrench = self._stiffness * error - self._damping * (jacobian @ velocity)
        posture = (
            self._gains.nullspace_stiffness * (self._rest - data.qpos[self._qpos])
            - self._gains.nullspace_damping * velocity
        )
        # numpy.linalg.solve takes five times as long for six unknowns.
        wrench -= dgesv(jacobian @ jacobian.T + self._ridge, jacobian @ posture)[2]
        torque = jacobian.T @ wrench + posture + data.qfrc_bias[self._dofs]
        return np.minimum(np.maximum(torque, -TORQUE_LIMITS), TORQUE_LIMITS)


def solve_posture(
    model: mujoco.MjModel, position: np.ndarray, rotation: np.ndarray, guess: np.ndarray
) -> np.ndarray:
    """Return joint angles (7,) that put the grasp site at a pose, by damped least squares.

    Raises:
        ValueError: the pose is out of reach; names by how much.
    """
    data = mujoco.MjData(model)
    site = model.site(GRASP_SITE).id
    joints = [model.joint(name) for name in ARM_JOINTS]
    addresses = np.array([joint.qposadr[0] for joint in joints])
    dofs = np.array([joint.dofadr[0] for joint in joints])
    low, high = np.array([joint.range for joint in joints]).T
    jacobian = np.zeros((6, model.nv))
    data.qpos[addresses] = guess
    error = np.zeros(6)
    for _ in range(200):
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        turn = rotation @ data.site_xmat[site].reshape(3, 3).T
        error[:3] = position - data.site_xpos[site]
        error[3:] = 0.5 * np.array(
            [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
        )
        if np.abs(error).max() < 1e-5:
            break
        mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], site)
        arm = jacobian[:, dofs]
        pull = 0.02 * (guess - data.qpos[addresses])
        inverse = arm.T @ np.linalg.inv(arm @ arm.T + 1e-5 * np.eye(6))
        step = inverse @ error + (np.eye(7) - inverse @ arm) @ pull
        data.qpos[addresses] = np.clip(data.qpos[addresses] + step, low, high)
    else:
        raise ValueError(
            f"pose {np.round(position, 4).tolist()} m is out of the arm's reach by "
            f"{float(np.abs(error).max()):.4f}; move the workspace towards the base"
        )
    return data.qpos[addresses].copy()
