"""Agents small enough for a test, and batches for them."""

from __future__ import annotations

import torch

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Agent, Batch, make_agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config, load_config

LAYOUT = FrameLayout(("front",), 2, 24, 24, True)
ACTION_SIZE = 3
SMALL = (
    "agent.feature_dim=8",
    "agent.hidden_dim=16",
    "agent.precision=float32",
    "agent.explore_steps=10",
    "train.replay_capacity=1000",
)
SMALL_MOE = ("agent.experts=6", "agent.top_k=2", "agent.expert_dim=8")


def small_config(agent: str = "mentor", *overrides: str) -> Config:
    """The configuration of a small agent."""
    moe = SMALL_MOE if agent.startswith("mentor") else ()
    if agent == "random":
        return load_config("random", "dmc", overrides)
    return load_config(agent, "dmc", [*SMALL, *moe, *overrides])


def small_agent(
    agent: str = "mentor", *overrides: str, seed: int = 0, state_size: int = 0
) -> Agent:
    """A small agent that looks at two frames of 24 x 24."""
    config = small_config(agent, *overrides)
    return make_agent(config, Shape(LAYOUT, state_size, ACTION_SIZE), seed)


def small_batch(size: int = 12, seed: int = 0, state_size: int = 0) -> Batch:
    """Random transitions for it."""
    generator = torch.Generator().manual_seed(seed)

    def pixels() -> torch.Tensor:
        shape = (size, LAYOUT.height, LAYOUT.width, LAYOUT.channels)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).permute(
            0, 3, 1, 2
        )

    def vector() -> torch.Tensor | None:
        return torch.randn(size, state_size, generator=generator) if state_size else None

    actions = torch.rand(size, 3, ACTION_SIZE, generator=generator) * 2 - 1
    return Batch(
        obs=pixels(),
        next_obs=pixels(),
        action=actions[:, 0].clone(),
        reward=torch.rand(size, 1, generator=generator),
        discount=torch.full((size, 1), 0.97),
        actions=actions,
        actions_mask=torch.ones(size, 3, dtype=torch.bool),
        state=vector(),
        next_state=vector(),
    )
