"""Alg. 1: admission to S_top, its distribution, perturb factor and perturbation (eq. 5)."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_agents import small_agent, small_batch

from mentor_policy.agents import Agent
from mentor_policy.agents.drm import DrMAgent
from mentor_policy.agents.perturbation import perturb, perturb_factor, perturbable
from mentor_policy.agents.top_performers import TopPerformers


def algorithm_1(returns: list[float], size: int) -> list[float]:
    """Lines 4 to 8, written out."""
    top: list[float] = []
    for value in returns:
        if len(top) < size:
            top.append(value)
        elif top and value > min(top):
            top.remove(min(top))
            top.append(value)
    return sorted(top)


@given(st.lists(st.integers(-5, 5).map(float), max_size=40), st.integers(0, 5))
def test_members_are_those_of_algorithm_1(returns: list[float], size: int) -> None:
    top = TopPerformers(size)
    for value in returns:
        top.admit(value, {"w": torch.tensor([value])})
    assert sorted(m.episode_return for m in top.entries) == algorithm_1(returns, size)
    assert all(float(m.weights["w"]) == m.episode_return for m in top.entries)


def test_an_equal_return_does_not_replace() -> None:
    top = TopPerformers(1)
    assert top.admit(1.0, {"w": torch.tensor([1.0])})
    assert not top.admit(1.0, {"w": torch.tensor([2.0])})
    assert float(top.entries[0].weights["w"]) == 1.0


def test_members_do_not_change_when_the_agent_learns_on() -> None:
    weight = torch.ones(3)
    top = TopPerformers(2)
    top.admit(0.0, {"w": weight})
    weight.add_(1.0)
    assert torch.equal(top.entries[0].weights["w"], torch.ones(3))


def test_the_distribution_is_mean_and_deviation_of_each_scalar() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(4, 3, generator=generator) for _ in range(5)]
    top = TopPerformers(5)
    for i, weight in enumerate(weights):
        top.admit(float(i), {"w": weight})
    mean, std = top.distribution()["w"]
    stack = np.stack([weight.numpy() for weight in weights]).astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), stack.mean(0), atol=1e-6)
    np.testing.assert_allclose(std.numpy(), stack.std(0), atol=1e-6)
    samples = torch.stack([top.sample(generator)["w"] for _ in range(4000)])
    np.testing.assert_allclose(samples.mean(0).numpy(), stack.mean(0), atol=0.1)
    np.testing.assert_allclose(samples.std(0).numpy(), stack.std(0), rtol=0.1)


def test_one_member_is_its_own_candidate_and_no_nan() -> None:
    top = TopPerformers(1)
    top.admit(3.0, {"w": torch.tensor([1.0, -2.0])})
    phi = top.sample(torch.Generator().manual_seed(0))
    assert torch.equal(phi["w"], torch.tensor([1.0, -2.0]))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_return_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="episode return is"):
        TopPerformers(3).admit(value, {})


@given(st.floats(0, 1), st.floats(0, 4), st.floats(0, 0.5), st.floats(0.5, 1))
def test_the_perturb_factor_is_clipped(beta: float, rate: float, low: float, high: float) -> None:
    expected = float(np.clip(np.float64(1) - np.float64(rate) * beta, low, high))
    assert perturb_factor(beta, rate, low, high) == pytest.approx(expected)


def test_perturbation_is_equation_5() -> None:
    theta, phi = torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.5])
    expected = 0.7 * theta.double() + 0.3 * phi.double()
    perturb({"w": theta}, {"w": phi}, 0.7)
    torch.testing.assert_close(theta.double(), expected, rtol=1e-6, atol=1e-6)


SOON = ("agent.perturb_frames=20", "agent.top_performers=3", "agent.dormant_every=1")


def trained(name: str, *overrides: str) -> DrMAgent:
    agent = small_agent(name, *SOON, *overrides)
    assert isinstance(agent, DrMAgent)
    agent.update(small_batch(), 0)
    return agent


def weights_of(agent: DrMAgent) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in agent.state()[0].items() if "top_perf" not in name}


def test_all_listed_networks_move_but_encoder_and_layer_norm() -> None:
    agent = trained("mentor")
    agent.end_episode(1.0, 2)
    agent.update(small_batch(seed=1), 4)
    before = weights_of(agent)
    report = agent.end_episode(0.5, 10)  # 20 frames at action repeat 2
    assert report["perturb/dormant_ratio"] == agent.dormant_ratio
    after = weights_of(agent)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    expected = set(perturbable(agent.networks, ["actor", "critic", "critic_target", "value"]))
    assert any("middle.router" in name for name in expected)
    assert any("middle.second" in name for name in expected)
    assert not any(name.startswith("encoder") or "norm" in name for name in expected)
    assert {n for n in moved if not n.startswith(("adam", "generator"))} <= expected
    assert {n for n in moved if n.startswith("encoder")} == set()
    assert len(moved & expected) > 0.8 * len(expected)
    cleared = [n for n in after if n.startswith("adam/") and "/encoder/" not in n]
    assert cleared and not any(after[name].any() for name in cleared)
    assert all(
        torch.equal(before[n], after[n]) for n in after if n.startswith("adam/critic/encoder")
    )


def test_the_whole_step_is_algorithm_1_lines_10_to_13() -> None:
    agent = trained("mentor")
    agent.end_episode(1.0, 2)
    agent.update(small_batch(seed=1), 4)
    before = weights_of(agent)
    entry = agent.top_performers.entries[0].weights
    agent.top_performers.size = 1  # so that the second episode, which is worse, does not enter
    alpha = agent.end_episode(0.0, 10)["perturb/alpha"]
    s = agent.settings
    assert alpha == np.clip(
        1 - s.perturb_rate * agent.dormant_ratio, s.perturb_alpha_min, s.perturb_alpha_max
    )
    for name, phi in entry.items():  # one entry: std 0, phi is the entry
        expected = alpha * before[name].double() + (1 - alpha) * phi.double()
        torch.testing.assert_close(weights_of(agent)[name].double(), expected, rtol=0, atol=1e-6)


def test_perturbations_are_an_interval_apart() -> None:
    agent = trained("mentor")
    due = [bool(agent.end_episode(1.0, step).get("perturb/alpha")) for step in range(0, 41, 4)]
    assert [4 * i for i, happened in enumerate(due) if happened] == [12, 24, 36]


def test_an_empty_top_set_changes_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    agent = trained("mentor", "agent.top_performers=0")
    before = weights_of(agent)
    with caplog.at_level(logging.WARNING):
        assert agent.end_episode(5.0, 10)["perturb/skipped"] == 1.0
    assert "S_top is empty" in caplog.text
    after = weights_of(agent)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("name", ["drm", "mentor_wo_tp"])
def test_random_candidates_are_fresh_initialisations(name: str) -> None:
    agent = trained(name)
    before = weights_of(agent)
    phi = agent._phi(torch.Generator().manual_seed(0))
    after = weights_of(agent)
    assert all(torch.equal(before[n], after[n]) for n in before)  # drawing changes nothing
    first = phi["critic/first.weight"].double()
    for q in first:
        gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        torch.testing.assert_close(gram, torch.eye(len(gram)).double(), atol=1e-5, rtol=0)
    assert not any(phi[n].any() for n in phi if n.endswith("bias"))
    assert not torch.equal(phi["critic/first.weight"], before["critic/first.weight"])


@pytest.mark.parametrize("name", ["drm", "mentor"])
def test_a_candidate_acts_by_itself(name: str) -> None:
    agent = trained(name)
    agent.end_episode(1.0, 2)
    agent.update(small_batch(seed=3), 4)
    before = weights_of(agent)
    obs = small_batch().obs[0]
    candidate: Agent = agent.candidate(seed=1)
    action = candidate.act(obs, step=100, evaluate=True)
    assert action.shape == (3,) and not np.array_equal(
        action, agent.act(obs, step=100, evaluate=True)
    )
    after = weights_of(agent)
    assert all(torch.equal(before[n], after[n]) for n in before)
    with pytest.raises(RuntimeError, match="only acts; it cannot be trained"):
        candidate.update(small_batch(), 5)


def test_a_candidate_is_evaluated_with_its_own_weights_not_an_average() -> None:
    agents = [small_agent("mentor", f"agent.average_rate={rate}") for rate in (0.0, 0.1)]
    for agent in agents:
        for update in range(3):
            agent.update(small_batch(seed=update), update)
        agent.end_episode(1.0, 3)
    obs = small_batch().obs[0]
    actions = [agent.candidate(seed=1).act(obs, step=9, evaluate=True) for agent in agents]
    np.testing.assert_array_equal(*actions)


def test_there_is_no_candidate_without_perturbation_or_members() -> None:
    with pytest.raises(RuntimeError, match="no perturbation"):
        small_agent("drqv2").candidate(0)
    with pytest.raises(RuntimeError, match="S_top is empty"):
        small_agent("mentor").candidate(0)
    with pytest.raises(RuntimeError, match=r"agent\.perturb is none"):
        small_agent("mentor", "agent.perturb=none").candidate(0)
