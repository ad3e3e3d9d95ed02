"""ALIX and TACO: what they add to DrQ-v2, beside what test_exactness.py compares as a whole."""

import dataclasses
from typing import Any

import pytest
import torch
from small_agents import small_agent, small_batch

from mentor_policy.agents.alix import AlixAgent
from mentor_policy.config import ConfigError, load_config
from mentor_policy.networks.signal_mixing import discontinuity, mix_locally


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def test_mixing_reads_all_cells_at_one_displaced_place_and_repeats_the_border() -> None:
    rows, columns = torch.arange(9.0).double(), torch.arange(7.0).double()
    z = torch.stack([rows[:, None].expand(9, 7), columns.expand(9, 7)])[None]
    mixed = mix_locally(z, scalar(0.8), torch.tensor([0.6, -0.25]).double())
    down, right = 2.5 * 0.8 * 0.6, 2.5 * 0.8 * -0.25
    assert torch.allclose(mixed[0, 0], (rows + down).clamp(0, 8)[:, None].expand(9, 7))
    assert torch.allclose(mixed[0, 1], (columns + right).clamp(0, 6).expand(9, 7))


def test_a_range_of_0_changes_nothing() -> None:
    z = torch.randn(2, 3, 5, 4, generator=generator()).double()
    assert torch.equal(mix_locally(z, scalar(0.0), torch.ones(2).double()), z)


def test_mixing_smooths_the_expected_gradient() -> None:
    probe = torch.randn(4, 8, 9, 9, generator=generator())
    scores = []
    for mixing_range in (0.0, 0.5):
        z = torch.zeros(4, 8, 9, 9, requires_grad=True)
        draws, total = generator(), torch.zeros(())
        for _ in range(100):
            direction = torch.rand(2, generator=draws) * 2 - 1
            total = total + (mix_locally(z, torch.tensor(mixing_range), direction) * probe).sum()
        (gradient,) = torch.autograd.grad(total, z)
        scores.append(float(discontinuity(gradient)))
    assert scores[1] < scores[0]


def test_alix_draws_one_direction_for_each_layer_and_pass_and_none_when_acting() -> None:
    agent = small_agent("alix")
    assert isinstance(agent, AlixAgent)
    draws = agent._draw(12)
    found = torch.cat([draws["obs/mixing"], draws["next_obs/mixing"]])
    assert found.shape == (8, 2) and len(found.unique()) == 16 and float(found.abs().max()) <= 1
    assert not draws["obs/shift"].any()
    obs = small_batch().obs[0].numpy()
    actions = [agent.act(obs, step=99, evaluate=True) for _ in range(2)]
    assert (actions[0] == actions[1]).all()


def test_alix_goes_with_the_encoder_of_four_convolutions_only() -> None:
    with pytest.raises(ConfigError, match=r"agent\.encoder is 'pretrained'; allowed are conv"):
        load_config("alix", "dmc", ["agent.encoder=pretrained"])


def test_tacos_latent_actions_are_a_quarter_longer_and_one_more() -> None:
    agent: Any = small_agent("taco")
    assert agent.networks["action_encoder"].last.out_features == int(1.25 * 3) + 1
    weight = agent.heads.similarity.weight.detach()  # uniform in [0, 1)
    assert float(weight.min()) >= 0.0 and float(weight.mean()) == pytest.approx(0.5, abs=0.15)


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


def test_taco_without_actions_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="TACO needs the 3 actions"):
        small_agent("taco").update(dataclasses.replace(small_batch(), actions=None), 0)
