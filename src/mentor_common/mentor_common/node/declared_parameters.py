"""The parameters that a node has declared: their values, and what of them may be changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from mentor_common.node.parameters import Param, ParameterError, check_overrides
from mentor_common.tasks.former_names import PARAMETERS

RCLPY_PARAMETERS = ("use_sim_time", "start_type_description_service")
IGNORE = "MENTOR_IGNORE_UNKNOWN_PARAMETERS"
"""Set in the environment, a parameter may have its former name, and one that the node does not have
is logged and left out, not refused: a replay gives a node what another version of it was recorded
with."""


class DeclaredParameters:
    """A node's table of parameters, declared; bad values are refused at the start and later.

    Args:
        node: node whose parameters they are.
        table: the parameters.
        check: gives the reason why all values together are refused, or None.
        changed: called with the names of parameters that changed at run time, after validation.
    """

    def __init__(
        self,
        node: Node,
        table: Sequence[Param],
        check: Callable[[dict[str, Any]], str | None],
        changed: Callable[[set[str]], None],
    ) -> None:
        self.values: dict[str, Any] = {}
        self._node = node
        self._full_name: str = node.get_fully_qualified_name()
        self._table = {param.name: param for param in table}
        self._check, self._changed = check, changed

    def value(self, name: str, kind: str) -> Any:
        """Return a parameter's value of this type. Raises: KeyError, with those that there are."""
        param = self._table.get(name)
        if param is None or param.type != kind:
            known = [other.name for other in self._table.values() if other.type == kind]
            raise KeyError(
                f"node {self._full_name} has no {kind} parameter '{name}'; known: {known}"
            )
        return self.values[name]

    def declare(self) -> None:
        """Declare them with the values given at the start. Raises: ParameterError."""
        overrides = self._node._parameter_overrides
        table = tuple(self._table.values())
        values = {name: parameter.value for name, parameter in overrides.items()}
        if os.environ.get(IGNORE):
            values = self._without_unknown(values)
        given = check_overrides(self._full_name, table, values, RCLPY_PARAMETERS)
        for param in table:
            value = given.get(param.name, param.converted(param.default))
            overrides[param.name] = Parameter(param.name, param.ros_type, value)
            self._declare(param, value)
            self.values[param.name] = value
        reason = self._check(dict(self.values))
        if reason:
            raise ParameterError(f"node {self._full_name}: parameters refused: {reason}")
        self._node.add_pre_set_parameters_callback(self._in_their_types)
        self._node.add_on_set_parameters_callback(self._on_set)
        self._node.add_post_set_parameters_callback(self._after_set)

    def _declare(self, param: Param, value: Any) -> None:
        """Declare one with its own type; rclpy takes it from the value: an empty list has none."""
        if value != []:
            self._node.declare_parameter(param.name, value, param.descriptor())
            return
        self._node.declare_parameter(param.name, value)
        typed = Parameter(param.name, param.ros_type, value).get_parameter_value()
        self._node.set_descriptor(param.name, param.descriptor(), typed)

    def _without_unknown(self, values: dict[str, Any]) -> dict[str, Any]:
        names = {*self._table, *RCLPY_PARAMETERS}
        known = {name: value for name, value in values.items() if name in names}
        for name in values.keys() - known.keys():
            present = PARAMETERS.get(name, name)
            if present in names:
                known.setdefault(present, values[name])
                continue
            self._node.get_logger().warning(
                f"parameter '{name}' (value {values[name]!r}) is left out: this version of "
                f"{self._full_name} does not have it"
            )
        return known

    def _in_their_types(self, parameters: list[Parameter]) -> list[Parameter]:
        """Return them with whole numbers as floats where a float is declared, as at the start."""
        found = []
        for parameter in parameters:
            param = self._table.get(parameter.name)
            value = param.converted(parameter.value) if param is not None else parameter.value
            if param is not None and param.refusal(value) is None:
                parameter = Parameter(param.name, param.ros_type, value)
            found.append(parameter)
        return found

    def _on_set(self, parameters: list[Parameter]) -> SetParametersResult:
        wanted = dict(self.values)
        for parameter in parameters:
            if parameter.name == "use_sim_time":  # time would jump while the node works
                return SetParametersResult(
                    successful=False, reason="parameter 'use_sim_time' is fixed at the start"
                )
            param = self._table.get(parameter.name)
            if param is None:
                continue
            reason = param.refusal(parameter.value)
            if reason:
                return SetParametersResult(
                    successful=False,
                    reason=f"parameter '{parameter.name}': value {parameter.value!r} {reason}",
                )
            wanted[parameter.name] = param.converted(parameter.value)
        reason = self._check(wanted)
        return SetParametersResult(successful=not reason, reason=reason or "")

    def _after_set(self, parameters: list[Parameter]) -> None:
        names = set()
        for parameter in parameters:
            param = self._table.get(parameter.name)
            if param is not None:
                self.values[parameter.name] = param.converted(parameter.value)
                names.add(parameter.name)
        if names:
            self._changed(names)
