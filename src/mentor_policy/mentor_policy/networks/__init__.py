"""The networks: encoder, trunk, actor with its mixture of experts, twin critic, value."""

from mentor_policy.networks.actor import Actor
from mentor_policy.networks.critic import TwinCritic, Value
from mentor_policy.networks.encoder import PIXEL_CENTRE, Encoder
from mentor_policy.networks.layers import Conv2d, LayerNorm, Linear, StackedLinear, initialise
from mentor_policy.networks.moe import MixtureOfExperts, Routing
from mentor_policy.networks.pretrained import PretrainedEncoder
from mentor_policy.networks.trunk import Trunk, two_trunks

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
    "two_trunks",
]
