"""ALIX and TACO: what they add to DrQ-v2."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_agents import small_agent, small_batch

from mentor_policy.agents.alix import AlixAgent
from mentor_policy.agents.taco import TacoAgent
from mentor_policy.networks import initialise
from mentor_policy.networks.signal_mixing import discontinuity, mix_locally
from mentor_policy.networks.taco import TacoHeads


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_mixing_with_radius_0_changes_nothing() -> None:
    z = torch.randn(2, 3, 5, 4, generator=generator()).double()
    torch.testing.assert_close(mix_locally(z, 0.0, generator()), z, rtol=1e-5, atol=1e-6)


def test_mixing_stays_within_the_neighbourhood_and_keeps_channels_together() -> None:
    column = torch.arange(9.0).expand(1, 1, 9, 9)
    z = torch.cat([column, 2 * column], dim=1)
    mixed = mix_locally(z, 0.7, generator())
    assert 0.1 < float((mixed - z)[:, 0].abs().max()) <= 0.7 + 1e-5
    torch.testing.assert_close(mixed[:, 1], 2 * mixed[:, 0])


def test_mixing_smooths_the_expected_gradient() -> None:
    probe = torch.randn(4, 8, 9, 9, generator=generator())
    scores = []
    for radius in (0.0, 1.0):
        z = torch.zeros(4, 8, 9, 9, requires_grad=True)
        draws, total = generator(), torch.zeros(())
        for _ in range(100):
            total = total + (mix_locally(z, radius, draws) * probe).sum()
        (gradient,) = torch.autograd.grad(total, z)
        scores.append(float(discontinuity(gradient)))
    assert scores[1] < scores[0]


def test_the_discontinuity_score_is_the_mean_of_log_1_plus_d_over_g_squared() -> None:
    g = torch.randn(2, 3, 5, 6, generator=generator())
    g[0, 0, 1, 1] = 0.0
    x = g.numpy().astype(np.float64)
    terms = []
    for b, c, i, j in np.ndindex(2, 3, 4, 5):
        if x[b, c, i, j] != 0:
            d = (x[b, c, i, j + 1] - x[b, c, i, j]) ** 2 + (x[b, c, i + 1, j] - x[b, c, i, j]) ** 2
            terms.append(np.log1p(d / 2 / x[b, c, i, j] ** 2))
    assert float(discontinuity(g)) == pytest.approx(np.mean(terms), rel=1e-5)
    assert float(discontinuity(torch.zeros(1, 1, 3, 3))) == 0.0


def test_alix_moves_its_radius_towards_the_target_and_keeps_it_in_its_state() -> None:
    for target, direction in ((0.0, 1), (10.0, -1)):
        agent = small_agent("alix", f"agent.mix_target={target}", "agent.mix_start=0.5")
        assert isinstance(agent, AlixAgent)
        metrics = agent.update(small_batch(), 0)
        expected = 0.5 + 2e-3 * (float(metrics["mix/discontinuity"]) - target)
        assert float(metrics["mix/radius"]) == pytest.approx(expected, abs=1e-6)
        assert np.sign(expected - 0.5) == direction
        other = small_agent("alix", seed=5)
        other.load_state(*agent.state())
        assert isinstance(other, AlixAgent) and other._radius == agent._radius
    with pytest.raises(ValueError, match=r"mix_radius is 99\.0"):
        agent.load_state(agent.state()[0], {**agent.state()[1], "mix_radius": 99.0})


def heads() -> TacoHeads:
    module = TacoHeads(10, 6, 8, 2, 3, 3, True)
    initialise(module, generator())
    return module.double()


def test_the_contrastive_loss_is_infonce_with_a_bilinear_score() -> None:
    module = heads()
    x, y = (torch.randn(5, 6, dtype=torch.float64, generator=generator()) for _ in range(2))
    w, b = module.bilinear.weight.detach().numpy(), module.bilinear.bias.detach().numpy()
    scores = x.numpy() @ (y.numpy() @ w.T + b).T
    losses = np.log(np.exp(scores).sum(1)) - np.diag(scores)
    assert float(module.contrast(x, y).detach()) == pytest.approx(losses.mean(), rel=1e-12)
    keep = torch.tensor([True, False, True, False, False])
    assert float(module.contrast(x, y, keep).detach()) == pytest.approx(losses[[0, 2]].mean())
    assert float(module.contrast(x, y, torch.zeros(5).bool()).detach()) == 0.0


def test_taco_ignores_predictions_past_an_episodes_end() -> None:
    batch = small_batch()
    assert batch.actions is not None
    mask = torch.ones(12, 3, dtype=torch.bool)
    mask[3, 1:] = False
    actions = batch.actions.clone()
    actions[3, 1:] = 0.7  # whatever stands there
    losses = []
    for some in (batch.actions, actions):
        agent = small_agent("taco")
        metrics = agent.update(dataclasses.replace(batch, actions=some, actions_mask=mask), 0)
        losses.append((metrics["taco/contrast"], metrics["taco/reward"]))
    assert all(torch.equal(a, b) for a, b in zip(*losses, strict=True))


def test_taco_learns_to_tell_its_rows_apart() -> None:
    agent = small_agent("taco", "agent.learning_rate=0.003", "agent.shift_padding=0")
    losses = [float(agent.update(small_batch(), step)["taco/contrast"]) for step in range(60)]
    assert losses[-1] < 0.7 * losses[0]


def test_tacos_critic_reads_the_encoded_action() -> None:
    agent = small_agent("taco")
    assert isinstance(agent, TacoAgent)
    z, action = torch.randn(4, 8), torch.rand(4, 3)
    x = torch.cat([z, agent.heads.encode_action(action)], dim=1)
    weight, bias = agent.critic.first.weight[0], agent.critic.first.bias[0]
    assert x.shape[1] == weight.shape[1]
    hidden = F.relu(F.linear(x, weight, bias))
    hidden = F.relu(F.linear(hidden, agent.critic.second.weight[0], agent.critic.second.bias[0]))
    q = F.linear(hidden, agent.critic.last.weight[0], agent.critic.last.bias[0])
    torch.testing.assert_close(agent._q(agent.critic, z, action)[0], q, rtol=1e-4, atol=1e-5)


def test_taco_without_actions_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="TACO needs the 3 actions"):
        small_agent("taco").update(dataclasses.replace(small_batch(), actions=None), 0)
