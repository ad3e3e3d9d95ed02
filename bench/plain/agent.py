"""MENTOR's update, line by line as the papers describe it, in float32."""

from __future__ import annotations

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from .networks import PlainActor, PlainCritic, PlainEncoder, PlainValue


def random_shift(x: Tensor, pad: int = 4) -> Tensor:
    """Apply DrQ-v2's shift: replicate padding, then grid_sample at integer shifts."""
    n, _, h, w = x.shape
    assert h == w
    x = F.pad(x, (pad,) * 4, "replicate")
    size = h + 2 * pad
    line = torch.linspace(-1 + 1 / size, 1 - 1 / size, size)[:h]
    line = line.unsqueeze(0).repeat(h, 1).unsqueeze(2)
    grid = torch.cat([line, line.transpose(1, 0)], dim=2).unsqueeze(0).repeat(n, 1, 1, 1)
    shift = torch.randint(0, 2 * pad + 1, (n, 1, 1, 2)).float() * 2.0 / size
    return F.grid_sample(x, grid + shift, padding_mode="zeros", align_corners=False)


class PlainMentor:
    """Encoder, MoE actor, twin critic, value network, and one Adam for each."""

    def __init__(
        self, channels: int, action: int, experts: int = 16, top_k: int = 4, lr: float = 1e-4
    ) -> None:
        features, feature_dim, hidden = 39200, 50, 1024
        self.encoder = PlainEncoder(channels)
        self.actor = PlainActor(features, feature_dim, hidden, action, experts, top_k)
        self.critic = PlainCritic(features, feature_dim, hidden, action)
        self.critic_target = PlainCritic(features, feature_dim, hidden, action)
        self.critic_target.load_state_dict(self.critic.state_dict())
        self.value = PlainValue(features, feature_dim, hidden)
        self.encoder_opt, self.actor_opt, self.critic_opt, self.value_opt = (
            torch.optim.Adam(net.parameters(), lr=lr)
            for net in (self.encoder, self.actor, self.critic, self.value)
        )
        self.beta = 1.0

    def stddev(self) -> float:
        """Return the deviation of dormancy-driven exploration."""
        return 1.0 / (1.0 + math.exp(-(self.beta - 0.2) / 0.1))

    def noisy(self, mean: Tensor) -> Tensor:
        """Return a truncated normal sample, noise clipped at 0.3."""
        noise = (torch.randn_like(mean) * self.stddev()).clamp(-0.3, 0.3)
        x = mean + noise
        return x - x.detach() + x.detach().clamp(-1 + 1e-6, 1 - 1e-6)

    def update(
        self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor
    ) -> None:
        """Do one update on uint8 NCHW observations."""
        obs = self.encoder(random_shift(obs.float()))
        with torch.no_grad():
            next_obs = self.encoder(random_shift(next_obs.float()))
        self.update_critic(obs, action, reward, discount, next_obs)
        self.update_value(obs.detach(), action)
        self.update_actor(obs.detach())
        with torch.no_grad():
            pairs = zip(self.critic.parameters(), self.critic_target.parameters(), strict=True)
            for source, target in pairs:
                target.copy_(0.01 * source + 0.99 * target)
        self.beta = self.dormant_ratio(obs.detach())

    def update_critic(
        self, obs: Tensor, action: Tensor, reward: Tensor, discount: Tensor, next_obs: Tensor
    ) -> None:
        """Fit the twin Q to a mix of V and min Q; the encoder learns here."""
        with torch.no_grad():
            q1, q2 = self.critic_target(next_obs, self.noisy(self.actor(next_obs)[0]))
            rate = 0.6 / (1.0 + math.exp((self.beta - 0.2) / 0.02))
            v = rate * self.value(next_obs) + (1.0 - rate) * torch.min(q1, q2)
            target = reward + discount * v
        q1, q2 = self.critic(obs, action)
        loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        self.encoder_opt.zero_grad()
        self.critic_opt.zero_grad()
        loss.backward()
        self.critic_opt.step()
        self.encoder_opt.step()

    def update_value(self, obs: Tensor, action: Tensor) -> None:
        """Return the expectile regression loss at 0.9 on min Q."""
        with torch.no_grad():
            q1, q2 = self.critic(obs, action)
            q = torch.min(q1, q2)
        difference = q - self.value(obs)
        weight = torch.where(difference > 0, 0.9, 0.1)
        loss = (weight * difference**2).mean()
        self.value_opt.zero_grad()
        loss.backward()
        self.value_opt.step()

    def update_actor(self, obs: Tensor) -> None:
        """Return -min Q plus the load-balance loss."""
        mean, logits = self.actor(obs)
        q1, q2 = self.critic(obs, self.noisy(mean))
        p = logits.softmax(dim=-1).mean(dim=0)
        loss = -torch.min(q1, q2).mean() + 0.002 * (p * p.log()).sum()
        self.actor_opt.zero_grad()
        loss.backward()
        self.actor_opt.step()

    def dormant_ratio(self, obs: Tensor, tau: float = 0.025) -> float:
        """Compute eq. 3 and 4, in a forward of its own."""
        counts: list[tuple[int, int]] = []

        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            mean = output.abs().mean(dim=0)
            counts.append((int((mean / mean.mean() <= tau).sum()), mean.numel()))

        linears = [m for m in self.actor.modules() if isinstance(m, nn.Linear)]
        handles = [m.register_forward_hook(hook) for m in linears]
        with torch.no_grad():
            self.actor(obs)
        for handle in handles:
            handle.remove()
        return sum(dormant for dormant, _ in counts) / sum(size for _, size in counts)
