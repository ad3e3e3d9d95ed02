"""Two updates of every agent against a reference in float64 that shares no code with the agents."""

import math

import pytest
import torch
from reference_update import Reference, Settings, score
from small_agents import small_agent, small_batch
from torch import Tensor

from mentor_policy.agents.alix import AlixAgent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.networks.signal_mixing import discontinuity

RATE = 0.01
EXACT = (
    "agent.precision=float64",
    f"agent.learning_rate={RATE}",
    "agent.stddev_steps=100",
    "agent.shift_padding=2",
)


def moved_agent(name: str, dormant: bool) -> DrQv2Agent:
    """Its weights and biases are drawn at random; some neurons are dormant, if that is asked."""
    extra = ("agent.dormant_every=1",) if name not in ("drqv2", "alix", "taco") else ()
    padding = ("agent.shift_padding=0",) if name == "alix" else ()
    agent = small_agent(name, *EXACT, *extra, *padding)
    assert isinstance(agent, DrQv2Agent)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, parameter in agent._trained(*agent.networks).items():
            if not key.startswith("mixing"):
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        if dormant:
            for parameter in agent.actor.parameters():
                if parameter.dim() > 1 or parameter.shape[0] > 3:  # (..., out, in) and (..., out)
                    out = -2 if parameter.dim() > 1 else -1
                    half = parameter.shape[out] // 2
                    parameter.narrow(out, 0, half).mul_(1e-4)
    return agent


def recorded_draws(agent: DrQv2Agent, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Tensor]]:
    seen: list[dict[str, Tensor]] = []
    draw = agent._draw
    monkeypatch.setattr(agent, "_draw", lambda size: seen.append(draw(size)) or seen[-1])
    return seen


def weights(agent: DrQv2Agent) -> dict[str, Tensor]:
    skipped = ("adam/", "generator/", "acting_noise", "top_performers/")
    return {n: t for n, t in agent.state()[0].items() if not n.startswith(skipped)}


@pytest.mark.parametrize("name", ["drqv2", "drm", "mentor", "mentor_wo_moe", "alix", "taco"])
@pytest.mark.parametrize("dormant", [False, True], ids=["awake", "dormant"])
def test_all_weights_after_two_updates_equal_the_reference(
    name: str, dormant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = moved_agent(name, dormant)
    draws = recorded_draws(agent, monkeypatch)
    before = {n: t.clone() for n, t in weights(agent).items()}
    reference = Reference(Settings(name, RATE, top_k=2), before)
    betas = []
    for number in range(2):
        batch, step = small_batch(20, seed=number), 40 + 7 * number
        metrics = agent.update(batch, step)
        reference.update(batch, draws[number], step)
        betas.append(reference.beta)
        if name == "alix":
            assert float(metrics["mix/discontinuity"]) == pytest.approx(reference.score, rel=1e-9)
    assert reference.p.keys() == before.keys()
    for key, tensor in weights(agent).items():
        assert tensor.dtype == torch.float64
        assert not torch.equal(tensor, before[key]), f"{key} has not moved"
        torch.testing.assert_close(
            tensor,
            reference.p[key].detach(),
            rtol=1e-8,
            atol=1e-9,
            msg=lambda m, k=key: f"{k}: {m}",
        )
    if not math.isnan(agent.dormant_ratio):
        assert agent.dormant_ratio == betas[1]
        assert (betas[0] > 0.2) == dormant and betas[1] < 0.2  # so it awakens, at the latest now


def test_the_mixing_range_follows_the_score_of_given_gradients() -> None:
    """S takes Adam's steps on 0.535 - score, with betas 0.5 and 0.999, and is kept in [0, 1]."""
    agent = small_agent("alix", "agent.precision=float64")
    assert isinstance(agent, AlixAgent)
    generator = torch.Generator().manual_seed(0)
    parameters = agent.optimizers["critic"].parameters
    obs, draws = small_batch(1).obs, agent._draw(1)
    expected, m, v, smallest = 0.5, 0.0, 0.0, 1.0
    for t in range(1, 331):
        smooth = t < 300  # equal over the map: S shrinks to its lower end, and rises after that
        gradient = torch.randn(3, 2, 5, 4, generator=generator).double()
        gradient = gradient[:, :, :1, :1].expand(3, 2, 5, 4) if smooth else gradient
        agent._encode("obs", obs, draws)  # clamps S
        agent._map = torch.zeros(3, 2, 5, 4, dtype=torch.float64, requires_grad=True)
        loss = (agent._map * gradient).sum() + sum(0.0 * p.sum() for p in parameters.values())
        agent._step_on("critic", loss)
        given, b1, b2 = score(gradient), 0.5, 0.999
        assert float(discontinuity(gradient)) == pytest.approx(given, rel=1e-12, abs=1e-15)
        pull = 0.535 - given
        m, v = b1 * m + (1 - b1) * pull, b2 * v + (1 - b2) * pull**2
        expected = min(max(expected, 0.0), 1.0)
        expected -= 2e-3 * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + 1e-8)
        assert float(agent.mixing_range.detach()) == pytest.approx(expected, abs=1e-12)
        smallest = min(smallest, expected)
    assert smallest < 0.0 < expected


def test_a_gradient_of_which_nothing_is_left_scores_zero() -> None:
    assert float(discontinuity(torch.zeros(2, 1, 3, 3))) == 0.0
