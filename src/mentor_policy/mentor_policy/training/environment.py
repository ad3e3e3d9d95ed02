"""Any gymnasium environment as the trainer sees it: pixels, perhaps a state, actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
import numpy.typing as npt

from mentor_common.env.named_failures import make_named
from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents.shape import Shape

Env = gymnasium.Env[Any, npt.NDArray[np.float32]]
Pixels = npt.NDArray[np.uint8]
State = npt.NDArray[np.float32] | None
LONGEST_SHOWN = 200
"""Characters of an environment's arguments in an error."""


@runtime_checkable
class SendReceiveEnv(Protocol):
    """An environment whose step has two halves, between which the caller is free: RosEnv."""

    def send(self, action: npt.NDArray[np.float32]) -> None:
        """Begin the step."""

    def receive(self) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Wait for the step's end; return what gymnasium's step returns."""


class UnfitEnvironmentError(ValueError):
    """An environment that cannot be trained in. The message names what it lacks."""


def make_environment(name: str, arguments: Mapping[str, Any]) -> Env:
    """Make an environment, with errors that name the way out.

    Raises:
        UnfitEnvironmentError: no environment of that name, or it refuses the arguments.
        EnvironmentFailedError: its code raised another error.
    """
    try:
        return make_named(name, **arguments)
    except gymnasium.error.Error as error:
        raise UnfitEnvironmentError(f"environment {name!r}: {error}") from error
    except (TypeError, ValueError, MemoryError, OverflowError) as error:
        given = repr(dict(arguments))
        shown = given if len(given) <= LONGEST_SHOWN else f"{given[:LONGEST_SHOWN]} ..."
        raise UnfitEnvironmentError(f"environment {name!r} refuses {shown}: {error}") from error


def shape_of(env: Env) -> Shape:
    """Read an environment's shape.

    An environment without ``frame_layout`` counts as one camera with C / 3 stacked frames.

    Raises:
        UnfitEnvironmentError: it has no pixels, or its actions are not in [-1, 1].
    """
    image: Any = getattr(env, "observation_space", None)
    state_size = 0
    if isinstance(image, gymnasium.spaces.Dict):
        state: Any = image.spaces.get("state")
        state_size = 0 if state is None else int(np.prod(state.shape))
        image = image.spaces.get("image")
    if not (
        isinstance(image, gymnasium.spaces.Box)
        and image.dtype == np.uint8
        and len(image.shape) == 3
        and image.shape[0] % 3 == 0
    ):
        raise UnfitEnvironmentError(
            f"observation space {image} holds no pixels: needed is a Box of "
            "(C, H, W) uint8 with C a multiple of 3, or a Dict with it as 'image'"
        )
    actions: Any = getattr(env, "action_space", None)
    if not (
        isinstance(actions, gymnasium.spaces.Box)
        and len(actions.shape) == 1
        and bool((actions.low == -1).all())
        and bool((actions.high == 1).all())
    ):
        raise UnfitEnvironmentError(f"action space {actions} is not a Box of (A,) from -1 to 1")
    layout = getattr(env.unwrapped, "frame_layout", None)
    if layout is None:
        channels, height, width = image.shape
        layout = FrameLayout(("camera",), channels // 3, height, width, True)
    if layout.shape != image.shape:
        raise UnfitEnvironmentError(
            f"frame_layout gives {layout.shape}, the observation space {image.shape}"
        )
    return Shape(layout, state_size, int(actions.shape[0]))


def split(observation: Any) -> tuple[Pixels, State]:
    """Return pixels and state of an observation."""
    if isinstance(observation, Mapping):
        state = observation.get("state")
        return observation["image"], None if state is None else np.asarray(state, np.float32)
    return observation, None
