"""The update of every agent in float64, written from the papers' equations alone.

Shares no code with the agents: weights and random draws are given by name, everything else is
computed here, with a shift, a mixing, an Adam and a moving average of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mentor_policy.agents import Batch

Weights = dict[str, Tensor]


@dataclass
class Settings:
    """Figures of a run."""

    name: str
    rate: float
    top_k: int = 0
    actor_rate: float = 1.0
    tau: float = 0.01
    threshold: float = 0.025
    stddev_steps: int = 100
    load_balance: float = 0.002


@dataclass
class Adam:
    """Kingma and Ba, algorithm 1."""

    rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    moments: dict[str, tuple[Tensor, Tensor, int]] = field(default_factory=dict)

    def step(self, p: Weights, gradients: Weights) -> None:
        for name, g in gradients.items():
            zero = torch.zeros_like(g)
            m, v, t = self.moments.get(name, (zero, zero, 0))
            b1, b2 = self.betas
            m, v, t = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2, t + 1
            self.moments[name] = (m, v, t)
            mean, spread = m / (1 - b1**t), v / (1 - b2**t)
            moved = p[name].detach() - self.rate * mean / (spread.sqrt() + 1e-8)
            p[name] = moved.requires_grad_()


def shifted(obs: Tensor, shifts: Tensor) -> Tensor:
    """Pixel (y, x) of row b is pixel (y + down, x + right), the border repeated; / 255 - 0.5."""
    out = np.empty(obs.shape)
    height, width = obs.shape[2:]
    for b, (down, right) in enumerate(shifts.numpy()):
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        out[b] = obs[b].numpy()[:, rows][:, :, columns]
    return torch.from_numpy(out / 255.0 - 0.5)


def mixed(z: Tensor, mixing_range: float, direction: Tensor) -> Tensor:
    """Features at (y + dy, x + dx), bilinear, the border repeated, by grid_sample."""
    dy, dx = (mixing_range * 2.5 * direction.double()).tolist()
    height, width = z.shape[2:]
    y, x = torch.arange(height).double() + dy, torch.arange(width).double() + dx
    grid = torch.stack(
        [
            (2 * x / (width - 1) - 1).expand(height, width),
            (2 * y / (height - 1) - 1)[:, None].expand(height, width),
        ],
        dim=-1,
    )
    return F.grid_sample(
        z, grid.expand(len(z), -1, -1, -1), padding_mode="border", align_corners=True
    )


def score(gradient: Tensor) -> float:
    """Discontinuity of ALIX, cell by cell."""
    m = gradient.detach().double().mean(0).numpy()
    channels, height, width = m.shape
    terms = []
    for c, y, x in np.ndindex(channels, height, width):
        near = [
            m[c, min(max(y + i, 0), height - 1), min(max(x + j, 0), width - 1)]
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        signal = (sum(n**2 for n in near) - m[c, y, x] ** 2) / 8
        noise = sum((n - m[c, y, x]) ** 2 for n in near) / 8
        terms.append(math.log(1 + noise / (signal + 1e-20)))
    return float(np.mean(terms))


class Reference:
    """An agent as the papers have it.

    Args:
        settings: figures.
        weights: float64 by name as the agent names them.
    """

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.s = settings
        self.p = {
            name: w.detach().double().clone().requires_grad_(not name.startswith("critic_target"))
            for name, w in weights.items()
        }
        self.critic_adam, self.actor_adam = Adam(settings.rate), Adam(settings.rate)
        self.taco_adam = Adam(1e-4)
        self.mixing_adam = Adam(2e-3, (0.5, 0.999))
        self.beta, self.awake_since = 1.0, math.inf
        self.score = math.nan
        self.last_map = torch.empty(0)

    # Networks

    def linear(self, name: str, x: Tensor, index: int | None = None) -> Tensor:
        weight, bias = self.p[f"{name}.weight"], self.p[f"{name}.bias"]
        if index is not None:
            weight, bias = weight[index], bias[index]
        return x @ weight.T + bias

    def normed(self, name: str, x: Tensor) -> Tensor:
        x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        return torch.tanh(x * self.p[f"{name}.weight"] + self.p[f"{name}.bias"])

    def encode(self, obs: Tensor, shifts: Tensor, mixing: Tensor | None) -> Tensor:
        x = shifted(obs, shifts)
        if mixing is not None:
            clamped = self.p["mixing/value"].detach().clamp(0, 1)
            self.p["mixing/value"] = clamped.requires_grad_()
        for i, stride in enumerate((2, 1, 1, 1)):
            weight, bias = self.p[f"encoder/convs.{i}.weight"], self.p[f"encoder/convs.{i}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, stride))
            if mixing is not None:
                x = mixed(x, float(self.p["mixing/value"].detach()), mixing[i])
        self.last_map = x
        return x.permute(0, 2, 3, 1).reshape(len(obs), -1)

    def trunk(self, net: str, h: Tensor) -> Tensor:
        return self.normed(f"{net}/trunk.norm", self.linear(f"{net}/trunk.linear", h))

    def q(self, net: str, h: Tensor, action: Tensor) -> list[Tensor]:
        if self.s.name == "taco":
            action = self.latent(action)
        x = torch.cat([self.trunk(net, h), action], 1)
        result = []
        for i in range(2):
            y = F.relu(self.linear(f"{net}/first", x, i))
            result.append(self.linear(f"{net}/last", F.relu(self.linear(f"{net}/second", y, i)), i))
        return result

    def latent(self, action: Tensor) -> Tensor:
        hidden = torch.tanh(self.linear("action_encoder/first", action))
        return self.linear("action_encoder/last", hidden)

    def value(self, h: Tensor) -> Tensor:
        x = F.relu(self.linear("value/first", self.trunk("value", h)))
        return self.linear("value/last", F.relu(self.linear("value/second", x)))

    def act(self, h: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Mean action, load-balance loss, and the outputs of every linear layer."""
        outputs = [self.linear("actor/trunk.linear", h)]
        x = self.normed("actor/trunk.norm", outputs[0])
        outputs.append(self.linear("actor/first", x))
        x, balance = F.relu(outputs[-1]), torch.zeros(())
        if "actor/middle.weight" in self.p:
            y = self.linear("actor/middle", x)
            outputs.append(y)
        else:
            outputs.append(self.linear("actor/middle.router.first", x))
            logits = self.linear("actor/middle.router.last", F.relu(outputs[-1]))
            outputs.append(logits)
            top = logits.sort(1, descending=True).indices[:, : self.s.top_k]
            chosen = torch.zeros_like(logits).scatter(1, top, 1.0) > 0
            gate = torch.where(chosen, logits.exp(), 0.0)
            gate = gate / gate.sum(1, keepdim=True)
            y = torch.zeros_like(x)
            for i in range(logits.shape[1]):
                outputs.append(self.linear("actor/middle.first", x, i))
                outputs.append(self.linear("actor/middle.second", F.relu(outputs[-1]), i))
                y = y + gate[:, i : i + 1] * outputs[-1]
            share = logits.softmax(1).mean(0)
            balance = (share * share.log()).sum()
        outputs.append(self.linear("actor/last", F.relu(y)))
        return torch.tanh(outputs[-1]), balance, outputs

    # One update

    def update(self, batch: Batch, draws: dict[str, Tensor], step: int) -> None:
        d = {name: t.double() if t.is_floating_point() else t for name, t in draws.items()}
        with torch.no_grad():
            h_next = self.encode(batch.next_obs, d["next_obs/shift"], d.get("next_obs/mixing"))
        h = self.encode(batch.obs, d["obs/shift"], d.get("obs/mixing"))
        last_map = self.last_map
        drm = "value/last.weight" in self.p
        if drm:
            self.measure(h, step)
        stddev = self.stddev(step)
        # critic and encoder
        with torch.no_grad():
            action = self.noisy(self.act(h_next)[0], stddev, d["next_action/noise"])
            v = torch.min(*self.q("critic_target", h_next, action))
            if drm:
                rate = 0.6 / (1 + math.exp((self.beta - 0.2) / 0.02))
                v = rate * self.value(h_next) + (1 - rate) * v
            target = batch.reward.double() + batch.discount.double() * v
        both = self.q("critic", h, batch.action.double())
        loss = sum(((one - target) ** 2).mean() for one in both)
        assert isinstance(loss, Tensor)
        if drm:
            u = torch.min(*both).detach() - self.value(h.detach())
            loss = loss + ((0.9 - (u < 0).double()).abs() * u**2).mean()
        learn = ("encoder", "critic", "value", "action_encoder")
        names = [n for n in self.p if n.split("/")[0] in learn]
        *found, reached = torch.autograd.grad(loss, [*(self.p[n] for n in names), last_map])
        self.critic_adam.step(self.p, dict(zip(names, found, strict=True)))
        if self.s.name == "alix":
            self.score = score(reached)
            gradient = torch.tensor(0.535 - self.score).double()
            self.mixing_adam.step(self.p, {"mixing/value": gradient})
        self.actor_step(h.detach(), stddev, d["action/noise"])
        # target
        for name in [n for n in self.p if n.startswith("critic/")]:
            other = name.replace("critic/", "critic_target/")
            self.p[other] = (1 - self.s.tau) * self.p[other] + self.s.tau * self.p[name].detach()
        if self.s.name == "taco":
            self.taco_step(batch, d)

    def actor_step(self, h: Tensor, stddev: float, noise: Tensor) -> None:
        mean, balance, _ = self.act(h)
        q = torch.min(*self.q("critic", h, self.noisy(mean, stddev, noise)))
        loss = -q.mean() + self.s.load_balance * balance
        names = [n for n in self.p if n.startswith("actor/")]
        gradients = torch.autograd.grad(loss, [self.p[n] for n in names])
        self.actor_adam.step(self.p, dict(zip(names, gradients, strict=True)))

    def taco_step(self, batch: Batch, d: dict[str, Tensor]) -> None:
        assert batch.actions is not None

        def project(obs: Tensor, name: str) -> Tensor:
            h = self.encode(obs, d[f"{name}/shift"], None)
            return self.normed("taco/state_norm", self.linear("taco/state", h))

        z = project(batch.obs, "taco_obs")
        with torch.no_grad():
            other = project(batch.obs, "taco_other_obs")
            later = project(batch.next_obs, "taco_next_obs")
        latent = torch.cat([self.latent(batch.actions[:, k].double()) for k in range(3)], 1)
        sequence = self.normed("taco/sequence_norm", self.linear("taco/sequence", latent))
        joint = torch.cat([z, sequence], 1)
        prediction = self.linear("taco/last", F.relu(self.linear("taco/first", joint)))
        reward = self.linear("taco/reward_last", F.relu(self.linear("taco/reward_first", joint)))
        loss = ((reward - batch.reward.double()) ** 2).mean()
        for anchors, positives in ((prediction, later), (z, other)):
            logits = anchors @ self.p["taco/similarity.weight"] @ positives.T
            likelihood = logits.exp() / logits.exp().sum(1, keepdim=True)
            loss = loss - likelihood.diagonal().log().mean()
        names = [n for n in self.p if n.split("/")[0] in ("encoder", "action_encoder", "taco")]
        gradients = torch.autograd.grad(loss, [self.p[n] for n in names])
        self.taco_adam.step(self.p, dict(zip(names, gradients, strict=True)))

    def noisy(self, mean: Tensor, stddev: float, noise: Tensor) -> Tensor:
        """Clipped noise; the clamp to (-1, 1) passes the gradient on."""
        x = mean + (noise * stddev).clamp(-0.3, 0.3)
        return x - x.detach() + x.detach().clamp(-1 + 1e-6, 1 - 1e-6)

    def measure(self, h: Tensor, step: int) -> None:
        with torch.no_grad():
            outputs = self.act(h)[2]
        dormant = neurons = 0
        for output in outputs:
            activity = output.abs().mean(0)
            dormant += int((activity / activity.mean() <= self.s.threshold).sum())
            neurons += activity.numel()
        self.beta = dormant / neurons
        if self.beta < 0.2 and math.isinf(self.awake_since):
            self.awake_since = step

    def stddev(self, step: int) -> float:
        def linear(since: float) -> float:
            return 1.0 - 0.9 * min(since / self.s.stddev_steps, 1.0)

        if "value/last.weight" not in self.p:
            return linear(step)
        awaken = 1 / (1 + math.exp(-(self.beta - 0.2) / 0.1))
        if math.isinf(self.awake_since):
            return awaken
        return max(awaken, linear(step - self.awake_since))
