"""PolicyWeights messages to weights and back."""

from __future__ import annotations

from array import array
from typing import Any

from std_msgs.msg import Header

from mentor_common.messages.cdr import CdrReader
from mentor_msgs.msg import PolicyWeights
from mentor_policy.distributed.weights import Weights


def weights_message(weights: Weights, stamp: Any) -> PolicyWeights:
    """Return the message of weights; ``stamp`` is a Time message."""
    message = PolicyWeights(
        header=Header(stamp=stamp),
        run_id=weights.run_id,
        version=weights.version,
        update=weights.update,
        config=weights.config,
        sha256=weights.sha256,
    )
    data = array("B")
    data.frombytes(weights.data)
    message.data = data
    return message


def read_weights(data: bytes) -> Weights:
    """Read the weights of a PolicyWeights message from its bytes.

    Raises:
        CdrError: they are no such message.
    """
    reader = CdrReader(data, "PolicyWeights")
    reader.header()
    weights = Weights(
        run_id=reader.text(),
        version=reader.number("Q"),
        update=reader.number("Q"),
        config=reader.text(),
        data=bytes(reader.octets()),
        sha256=reader.text(),
    )
    reader.end()
    return weights
