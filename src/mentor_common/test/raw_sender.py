"""Sends whatever bytes as a message or as a request of a service: what a stranger could send.

The client library serializes what it sends, and so sends nothing malformed. Here the layer below it
(``rmw``) publishes bytes, on any DDS topic: ``rt/<name>`` is a topic, ``rq/<name>Request`` what a
service receives.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_bool, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from typing import Any

import rclpy
from ament_index_python import get_package_prefix

_KEEP_LAST, _RELIABLE, _TRANSIENT_LOCAL, _AUTOMATIC = 1, 1, 1, 1


class _Time(Structure):
    _fields_ = (("sec", c_uint64), ("nsec", c_uint64))


class _Qos(Structure):
    _fields_ = (
        ("history", c_int),
        ("depth", c_size_t),
        ("reliability", c_int),
        ("durability", c_int),
        ("deadline", _Time),
        ("lifespan", _Time),
        ("liveliness", c_int),
        ("liveliness_lease", _Time),
        ("avoid_ros_namespace_conventions", c_bool),
    )


class _Options(Structure):
    _fields_ = (("payload", c_void_p), ("unique_flow", c_int))


class _Bytes(Structure):
    _fields_ = (
        ("buffer", c_char_p),
        ("length", c_size_t),
        ("capacity", c_size_t),
        ("allocator", c_void_p * 5),
    )


def _library(name: str, package: str) -> ctypes.CDLL:
    return ctypes.CDLL(f"{get_package_prefix(package)}/lib/lib{name}.so")


class RawSender:
    """Publishes bytes on one DDS topic.

    Args:
        node: in whose process; an rclpy node.
        topic: full DDS name, e.g. ``rq/cell/describeRequest``.
        kind: class of the message or request that its receiver expects.
    """

    def __init__(self, node: Any, topic: str, kind: Any) -> None:
        identifier = rclpy.get_rmw_implementation_identifier()
        self._rmw = _library(identifier, identifier)
        find = _library("rcl", "rcl").rcl_node_get_rmw_handle
        find.restype, find.argtypes = c_void_p, (c_void_p,)
        create = self._rmw.rmw_create_publisher
        create.restype = c_void_p
        create.argtypes = (c_void_p, c_void_p, c_char_p, POINTER(_Qos), POINTER(_Options))
        self._rmw.rmw_publish_serialized_message.argtypes = (c_void_p, POINTER(_Bytes), c_void_p)
        self._rmw.rmw_destroy_publisher.argtypes = (c_void_p, c_void_p)
        self._rmw.rmw_publisher_count_matched_subscriptions.argtypes = (
            c_void_p,
            POINTER(c_size_t),
        )
        if kind.__class__._TYPE_SUPPORT is None:
            kind.__class__.__import_type_support__()
        support = _pointer_in(kind.__class__._TYPE_SUPPORT)
        qos = _Qos(_KEEP_LAST, 1000, _RELIABLE, _TRANSIENT_LOCAL, liveliness=_AUTOMATIC)
        qos.avoid_ros_namespace_conventions = True
        with node.handle:
            self._node = find(node.handle.pointer)
            name, options = topic.encode(), _Options()
            self._publisher = create(self._node, support, name, byref(qos), byref(options))
        assert self._publisher, f"no publisher of {topic}"

    @property
    def receivers(self) -> int:
        """Return how many receive what is sent."""
        count = c_size_t()
        self._rmw.rmw_publisher_count_matched_subscriptions(self._publisher, byref(count))
        return count.value

    def send(self, raw: bytes) -> None:
        """Send the bytes: the encapsulation header, and CDR behind it."""
        message = _Bytes(raw, len(raw), len(raw))
        self._rmw.rmw_publish_serialized_message(self._publisher, byref(message), None)

    def close(self) -> None:
        """Leave the topic."""
        self._rmw.rmw_destroy_publisher(self._node, self._publisher)


def _pointer_in(capsule: Any) -> int:
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = c_char_p, (ctypes.py_object,)
    api.PyCapsule_GetPointer.restype = c_void_p
    api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, c_char_p)
    return int(api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule)))
