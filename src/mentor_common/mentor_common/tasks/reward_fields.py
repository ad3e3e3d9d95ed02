"""What the readers of several rewards' sections need: coefficients of Table 3, required axes."""

from __future__ import annotations

from mentor_common.tasks.yaml_fields import Fields

LARGE = 1000.0
"""Bound of coefficients and of rewards of a state."""


def read_coefficients(fields: Fields, names: tuple[str, ...]) -> dict[str, float]:
    """Read the section ``coefficients``, e.g. C6 to C11.

    Args:
        fields: the section ``reward``.
        names: the coefficients, all of which must be there.

    Raises:
        TaskError: one is missing, unknown or no number.
    """
    section = fields.section("coefficients")
    coefficients = {name: section.number(name, -LARGE, LARGE) for name in names}
    section.end()
    return coefficients


def require_axes(fields: Fields, axes: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Refuse a reward whose workspace has other axes.

    Args:
        fields: the section ``reward``.
        axes: the workspace's.
        needed: those that the reward is written for.

    Raises:
        TaskError: they differ.
    """
    if set(axes) != set(needed):
        kind = fields.name("kind")
        raise fields.refuse("kind", kind, f"a workspace with the axes {list(needed)}")
