"""Log lines of level debug: those of our own nodes, without the client library's thousands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import LoggingSeverity, set_logger_level
from rclpy.node import Node

OF_THE_CLIENT_LIBRARY = (
    "rcl", "rcl_action", "rcl_lifecycle", "rclpy", "rcutils", "rmw_fastrtps_cpp",
    "rmw_fastrtps_shared_cpp", "rmw_dds_common", "rmw_cyclonedds_cpp", "rmw_zenoh_cpp",
)  # fmt: skip
"""Loggers that write a line for each wait and each entity."""
OWN = ("mentor", "mentor_policy")
"""Python loggers of what runs beside a node, in the library."""


def debug(node: Node, text: Callable[[], str]) -> None:
    """Log a line of level debug; ``text`` is called only where the line is shown."""
    logger = node.get_logger()
    if logger.is_enabled_for(LoggingSeverity.DEBUG):
        logger.debug(text())


def step_name(message: Any) -> str:
    """Return ``(episode, step)`` of a message of the stream; empty for any other message."""
    episode, step = getattr(message, "episode", None), getattr(message, "step", 0)
    return "" if episode is None else f" ({episode}, {step})"


def quiet_client_library() -> None:
    """Keep the client library at level info where ``--log-level debug`` names no logger.

    ``--log-level rcl:=debug`` still shows the lines of rcl.
    """
    for name in OF_THE_CLIENT_LIBRARY:
        if rclpy_implementation.rclpy_logging_get_logger_level(name) == LoggingSeverity.UNSET:
            set_logger_level(name, LoggingSeverity.INFO)


def forward_python_log(node: Node) -> None:
    """Write what the library logs in this process as lines of the node, at the node's level."""
    handler = _Forward(node)
    shown = node.get_logger().is_enabled_for(LoggingSeverity.DEBUG)
    for name in OWN:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if shown else logging.INFO)
        logger.propagate = False


class _Forward(logging.Handler):
    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        # One line of code for each level: the client library refuses two levels at the same one.
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)
