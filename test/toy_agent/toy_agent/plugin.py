"""The settings of the agent `pooled`, and where its class is. Imports no torch."""

from dataclasses import dataclass

from mentor_policy.config import AgentPlugin, DrQv2Config


@dataclass
class PooledConfig(DrQv2Config):
    """DrQ-v2 that reads averaged pixels."""

    name: str = "pooled"
    pooling: int = 4  # pixels, side of the square that is averaged

    def __post_init__(self) -> None:
        if not 1 <= self.pooling <= 84:
            raise ValueError(f"agent.pooling is {self.pooling}; it must be from 1 to 84")


POOLED = AgentPlugin(PooledConfig, "toy_agent.agent:PooledAgent")
