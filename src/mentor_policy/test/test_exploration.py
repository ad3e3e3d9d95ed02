"""Noise, schedules, expectile loss and the moving average, against float64."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_agents import small_agent, small_batch
from torch import nn

from mentor_policy.agents.drm import DrMAgent
from mentor_policy.agents.exploration import (
    CorrelatedNoise,
    awaken_stddev,
    linear_schedule,
    noisy_action,
)
from mentor_policy.agents.losses import expectile_loss, saturation_loss, soft_update


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def test_the_linear_schedule_goes_from_start_to_end_and_stays() -> None:
    steps = (-math.inf, -5, 0, 50, 100, 1000)
    values = [float(linear_schedule(1.0, 0.1, 100, scalar(step))) for step in steps]
    assert values == pytest.approx([1.0, 1.0, 1.0, 0.55, 0.1, 0.1])


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.2, 0.5, 1.0])
def test_the_dormancy_driven_deviation_is_drms(beta: float) -> None:
    expected = 1 / (1 + math.exp(-(beta - 0.2) / 0.1))
    assert float(awaken_stddev(scalar(beta), 0.2, 0.1)) == pytest.approx(expected)


def test_extreme_temperatures_do_not_overflow() -> None:
    assert awaken_stddev(scalar(0.0), 1.0, 1e-6) == 0.0
    assert awaken_stddev(scalar(1.0), 0.0, 1e-6) == 1.0


def test_noise_inside_updates_is_clipped_and_actions_stay_inside() -> None:
    mean = torch.linspace(-1, 1, 4000).unsqueeze(1).requires_grad_()
    normal = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    action = noisy_action(mean, scalar(1.0), normal, clip=0.3)
    assert float(action.detach().abs().max()) < 1.0
    assert float((action - mean).detach().abs().max()) <= 0.3 + 1e-6
    (gradient,) = torch.autograd.grad(action.sum(), mean)
    assert torch.equal(gradient, torch.ones_like(gradient))


def test_noise_when_acting_is_not_clipped() -> None:
    agent = small_agent("drqv2", "agent.stddev_start=0.5", "agent.stddev_end=0.5")
    obs = small_batch().obs[0].numpy()
    both = [agent.act_with_mean(obs, step=99, evaluate=False) for _ in range(300)]
    noise = np.stack([action - mean for action, mean in both])
    assert np.abs(noise).max() > 0.8 and noise.std() == pytest.approx(0.5, rel=0.15)


def test_the_expectile_loss_weighs_both_sides() -> None:
    difference = torch.randn(100, 1, generator=torch.Generator().manual_seed(0)).double()
    u = difference.numpy()
    expected = (np.abs(0.9 - (u < 0)) * u**2).mean()
    assert float(expectile_loss(difference, 0.9)) == pytest.approx(expected, rel=1e-12)


def test_the_target_is_an_exponential_moving_average() -> None:
    source, target = nn.Linear(3, 2), nn.Linear(3, 2)
    expected = 0.99 * target.weight.detach().double() + 0.01 * source.weight.detach().double()
    soft_update(target, source, 0.01)
    torch.testing.assert_close(target.weight.detach().double(), expected, atol=1e-7, rtol=0)


def drm(*overrides: str) -> DrMAgent:
    agent = small_agent("drm", *overrides)
    assert isinstance(agent, DrMAgent)
    return agent


def test_asleep_the_deviation_follows_the_dormant_ratio_only() -> None:
    agent = drm()
    agent._beta.fill_(0.3)
    assert float(agent._stddev(scalar(10**9))) == pytest.approx(1 / (1 + math.exp(-1.0)))


def test_awake_the_schedule_counts_from_the_awakening() -> None:
    agent = drm("agent.stddev_steps=100", "agent.dormant_every=1")
    agent.update(small_batch(), 500)  # an orthogonal actor is not dormant: it awakens here
    assert agent.dormant_ratio < 0.2
    assert float(agent._stddev(scalar(500))) == pytest.approx(1.0)
    assert float(agent._stddev(scalar(550))) == pytest.approx(0.55)
    agent._beta.fill_(0.9)  # asleep again: the larger of both holds
    assert float(agent._stddev(scalar(600))) == pytest.approx(1 / (1 + math.exp(-7.0)))


@pytest.mark.parametrize("beta", [0.0, 0.19, 0.2, 0.25, 1.0])
def test_the_exploitation_rate_is_drms(beta: float) -> None:
    agent = drm()
    agent._beta.fill_(beta)
    assert float(agent._exploit()) == pytest.approx(0.6 / (1 + math.exp((beta - 0.2) / 0.02)))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_noise_has_unit_variance_and_remembers_as_much_as_it_is_told(correlation: float) -> None:
    noise, generator = CorrelatedNoise(1, correlation), torch.Generator().manual_seed(0)
    values = np.array([float(noise.next(generator)) for _ in range(20_000)])
    assert values.std() == pytest.approx(1.0, abs=0.06)
    assert np.corrcoef(values[:-1], values[1:])[0, 1] == pytest.approx(correlation, abs=0.03)


def test_the_loss_on_saturation_spares_live_actions_and_pulls_dead_ones_back() -> None:
    raw = torch.tensor([[0.0, -1.9], [5.0, -12.0]], dtype=torch.float64, requires_grad=True)
    loss = saturation_loss(raw)
    loss.backward()
    assert loss.item() == pytest.approx((3.0**2 + 10.0**2) / 4)
    assert raw.grad is not None
    assert raw.grad.tolist() == [[0.0, 0.0], [pytest.approx(1.5), pytest.approx(-5.0)]]


def test_an_actor_held_off_saturation_stays_alive_where_another_dies() -> None:
    def saturation(weight: float) -> float:
        settings = (f"agent.saturation_weight={weight}", "agent.learning_rate=0.01")
        agent, batch = small_agent("mentor", *settings), small_batch()
        batch = replace(batch, reward=10.0 * batch.action.sum(1, keepdim=True))  # more is better
        for update in range(60):
            metrics = agent.update(batch, update)
        return float(metrics["actor/saturation"])

    assert saturation(0.0) > 0.8
    assert saturation(1.0) < 0.2
