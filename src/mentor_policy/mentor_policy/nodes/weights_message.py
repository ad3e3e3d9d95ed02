"""PolicyWeights messages to weights and back."""

from __future__ import annotations

from array import array
from typing import Any

from mentor_msgs.msg import PolicyWeights
from mentor_policy.distributed.weights import Weights


def weights_message(weights: Weights, stamp: Any) -> PolicyWeights:
    """The message of weights; ``stamp`` is a Time message."""
    message = PolicyWeights(
        run_id=weights.run_id,
        version=weights.version,
        update=weights.update,
        config=weights.config,
        sha256=weights.sha256,
    )
    message.header.stamp = stamp
    data = array("B")
    data.frombytes(weights.data)
    message.data = data
    return message


def weights_of(message: PolicyWeights) -> Weights:
    """The weights of a message; nothing is checked yet."""
    return Weights(
        run_id=message.run_id,
        version=int(message.version),
        update=int(message.update),
        config=message.config,
        data=bytes(message.data),
        sha256=message.sha256,
    )
