"""An environment whose failures are reported in one line that names it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium

from mentor_common.env.registration import ROS_ENV_ID, register_environments


class EnvironmentFailedError(RuntimeError):
    """The code of an environment raised an error; names the environment, the error and its line."""

    for_person = True
    """Whether the text is made for the person: no traceback is needed."""


class NamedFailures(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reports whatever ``reset`` and ``step`` raise as EnvironmentFailedError.

    Args:
        env: to be wrapped.
        name: its id.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], name: str) -> None:
        super().__init__(env)
        self._name = name

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, info = self._call("reset", self.env.reset, 2, seed=seed, options=options)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Execute an action."""
        observation, reward, terminated, truncated, info = self._call(
            "step", self.env.step, 5, action
        )
        return observation, reward, terminated, truncated, info

    def _call(
        self, what: str, call: Callable[..., Any], length: int, *arguments: Any, **further: Any
    ) -> Any:
        try:
            result = call(*arguments, **further)
        except Exception as error:
            raise failure(self._name, what, error) from error
        if not isinstance(result, tuple) or len(result) != length:
            raise EnvironmentFailedError(
                f"environment {self._name!r}: {what} returned "
                f"{f'{len(result)} values' if isinstance(result, tuple) else 'no tuple'}; "
                f"gymnasium's has {length}"
            )
        return result


def failure(name: str, what: str, error: Exception) -> EnvironmentFailedError:
    """Return an error that names the environment, what was called, and where it failed."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return EnvironmentFailedError(
        f"environment {name!r}: {what} raised {type(error).__name__}: {error} "
        f"({Path(last.filename).name}, line {last.lineno}; python -X dev prints the traceback)"
    )


def make_named(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:
    """Make an environment in process by its gymnasium id, with failures that name it.

    The environment over the topics has errors of its own, which say whether a retry helps.

    Raises:
        EnvironmentFailedError: its code raised an error.
        TypeError, ValueError, MemoryError, OverflowError: it refuses the arguments.
        gymnasium.error.Error: no environment of that name.
    """
    register_environments()
    try:
        env = gymnasium.make(name, disable_env_checker=True, **arguments)
    except (gymnasium.error.Error, TypeError, ValueError, MemoryError, OverflowError):
        raise
    except Exception as error:
        if getattr(error, "for_person", False):
            raise
        raise failure(name, "making it", error) from error
    return env if name == ROS_ENV_ID else NamedFailures(env, name)
