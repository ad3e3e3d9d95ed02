"""The networks: encoder, trunk, actor with its mixture of experts, twin critic, value."""

from .actor import Actor
from .critic import TwinCritic, Value
from .encoder import PIXEL_CENTRE, Encoder
from .layers import Conv2d, LayerNorm, Linear, StackedLinear, initialise
from .moe import MixtureOfExperts, Routing
from .pretrained import PretrainedEncoder
from .trunk import Trunk

__all__ = [
    "PIXEL_CENTRE",
    "Actor",
    "Conv2d",
    "Encoder",
    "LayerNorm",
    "Linear",
    "MixtureOfExperts",
    "PretrainedEncoder",
    "Routing",
    "StackedLinear",
    "Trunk",
    "TwinCritic",
    "Value",
    "initialise",
]
