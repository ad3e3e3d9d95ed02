"""What every agent keeps: gradients as the papers have them, exact state, checked gradients."""

import json
import threading
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_agents import LAYOUT, small_agent, small_batch, small_config
from torch import Tensor

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Agent, Batch, NonFiniteGradientError, make_agent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.agents.shape import Shape

LEARNING = [
    "drqv2",
    "drm",
    "mentor",
    "mentor_wo_moe",
    "mentor_wo_tp",
    "mentor_wo_both",
    "alix",
    "taco",
]
QUIET = ("agent.stddev_clip=0", "agent.shift_padding=0")  # no noise, no shift in the update


def test_an_episode_that_terminated_does_not_bootstrap_and_one_cut_off_does() -> None:
    agent = small_agent("drqv2", *QUIET)
    batch = small_batch(4)
    ended = Batch(batch.obs, batch.next_obs, batch.action, batch.reward, torch.zeros(4, 1))
    target = small_agent("drqv2", *QUIET).update(ended, 0)["critic/target"]
    assert float(target) == pytest.approx(float(batch.reward.mean()))
    assert float(agent.update(batch, 0)["critic/target"]) != pytest.approx(float(target))


def copies(agent: Agent) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, values = agent.state()
    return {name: t.clone() for name, t in tensors.items()}, json.loads(json.dumps(values))


def assert_same(a: Agent, b: Agent) -> None:
    (tensors, values), (others, other_values) = a.state(), b.state()
    assert tensors.keys() == others.keys() and values == other_values
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def live(agent: Agent, steps: range) -> None:
    """Act, learn and end episodes for a while."""
    for step in steps:
        agent.act(small_batch(seed=step).obs[0], step=step, evaluate=False)
        agent.update(small_batch(seed=step), step)
        if step % 4 == 3:
            agent.end_episode(float(step % 7), step)


SHORT = ("agent.perturb_frames=4", "agent.dormant_every=2", "agent.top_performers=2")


@pytest.mark.parametrize("name", LEARNING)
def test_a_resumed_agent_goes_on_bit_by_bit(name: str) -> None:
    overrides = () if name in ("drqv2", "alix", "taco") else SHORT
    agent = small_agent(name, *overrides)
    live(agent, range(6, 13))
    saved = copies(agent)
    other = small_agent(name, *overrides, seed=9)
    other.load_state(*saved)
    assert_same(agent, other)
    for each in (agent, other):
        live(each, range(13, 17))
    assert_same(agent, other)


@pytest.mark.parametrize("name", LEARNING)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name: str) -> None:
    first, second, other = (small_agent(name, seed=seed) for seed in (1, 1, 2))
    for agent in (first, second, other):
        live(agent, range(8, 12))
    assert_same(first, second)
    with pytest.raises(AssertionError):
        assert_same(first, other)


def test_global_randomness_is_neither_used_nor_moved() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    agent = small_agent("mentor", *SHORT)
    live(agent, range(4, 16))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["drqv2", "mentor"])
@pytest.mark.parametrize("poison", ["reward", "action"])
def test_a_nan_gradient_stops_before_any_weight_changes_and_names_the_tensor(
    name: str, poison: str
) -> None:
    agent = small_agent(name)
    agent.update(small_batch(), 0)
    before, _ = copies(agent)
    batch = small_batch(seed=2)
    getattr(batch, poison)[0] = float("nan")
    with pytest.raises(NonFiniteGradientError, match=r"gradient of \w+/[\w.]+ is not finite") as e:
        agent.update(batch, 1)
    assert isinstance(agent, DrQv2Agent)
    assert e.value.tensor in agent.optimizers["critic"].parameters
    after, _ = agent.state()
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    assert changed <= {"generator/updating"}


@pytest.mark.parametrize("name", ["drm", "mentor", "random"])
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(name: str) -> None:
    agent = small_agent(name, *(SHORT if name != "random" else ()))
    if name != "random":
        live(agent, range(4, 9))
    tensors, values = copies(agent)
    some = next(iter(tensors))

    def refused(bad: dict[str, Tensor], bad_values: dict[str, Any], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            agent.load_state(bad, bad_values)
        now, now_values = agent.state()
        assert all(torch.equal(tensors[n], now[n]) for n in tensors) and now_values == values

    refused({n: t for n, t in tensors.items() if n != some}, values, f"{some} is missing")
    refused({**tensors, "stray": torch.zeros(1)}, values, "stray is not one")
    refused({**tensors, some: torch.zeros(2, 2)}, values, some)
    refused(tensors, {**values, "agent": "other"}, "another agent")
    if name != "random":
        older = {key: value for key, value in values.items() if key != "update_order"}
        refused(tensors, older, "update_order is 1.*another run. Train anew")
    if name == "mentor":
        refused(tensors, {**values, "top_performers": {"next": 1, "entries": [[0]]}}, "S_top")
        refused(tensors, {**values, "top_performers": None}, "S_top")
        refused(tensors, {**values, "updates": "many"}, "updates is 'many'")
        refused(tensors, {**values, "dormant_ratio": None}, "dormant_ratio")
        nan = tensors["actor/first.weight"] * float("nan")
        refused({**tensors, "actor/first.weight": nan}, values, "NaN")
        generator = torch.zeros_like(tensors["generator/acting"])
        refused({**tensors, "generator/acting": generator}, values, "generator")


def test_weights_for_acting_make_another_agent_act_alike() -> None:
    learner, actor = small_agent("mentor", seed=1), small_agent("mentor", seed=2)
    live(learner, range(4))
    actor.load_acting_state({n: t.clone() for n, t in learner.acting_state().items()})
    obs = small_batch().obs[0]
    np.testing.assert_array_equal(
        learner.act(obs, step=99, evaluate=True), actor.act(obs, step=99, evaluate=True)
    )
    with pytest.raises(ValueError, match="is missing"):
        actor.load_acting_state({})


def test_evaluations_with_noise_leave_training_as_it_is() -> None:
    noisy, plain = (
        small_agent("mentor", f"agent.evaluation_stddev={stddev}") for stddev in (0.2, 0.0)
    )
    obs = small_batch().obs[0]
    mean = plain.act(obs, step=99, evaluate=True)
    copy = small_agent("mentor", "agent.evaluation_stddev=0.2", seed=5)
    copy.load_state(*copies(noisy))
    actions = np.stack([noisy.act(obs, step=99, evaluate=True) for _ in range(400)])
    again = np.stack([copy.act(obs, step=99, evaluate=True) for _ in range(400)])
    np.testing.assert_array_equal(actions, again)
    assert np.abs(actions).max() < 1
    np.testing.assert_allclose(actions.mean(0), mean, atol=0.04)
    np.testing.assert_allclose(actions.std(0), 0.2, atol=0.04)
    lag_one = np.mean((actions[1:] - mean) * (actions[:-1] - mean), axis=0) / 0.04
    np.testing.assert_allclose(lag_one, 0.0, atol=0.2)
    both = [agent.act(obs, step=99, evaluate=False) for agent in (noisy, plain)]
    np.testing.assert_array_equal(*both)
    live(noisy, range(2)), live(plain, range(2))
    for name, tensor in plain.acting_state().items():
        assert torch.equal(tensor, noisy.acting_state()[name])


def test_evaluations_act_with_the_average_of_the_weights() -> None:
    averaging = small_agent("mentor", "agent.average_rate=0.25", seed=1)
    plain = small_agent("mentor", seed=1)
    tensors = averaging.acting_state()
    names = [n for n in tensors if n.split("/")[0] in ("encoder", "actor")]
    expected = {n: tensors[n].clone() for n in names}
    for update in range(3):
        live(averaging, [update])
        live(plain, [update])
        expected = {n: 0.75 * expected[n] + 0.25 * tensors[n] for n in names}
    for name in names:
        assert torch.equal(tensors[name], plain.acting_state()[name])  # learning is the same
        average = tensors[name.replace("/", "_average/", 1)]
        torch.testing.assert_close(average, expected[name], rtol=1e-5, atol=1e-7)
    obs, names_of_average = small_batch().obs[0], set(tensors) - set(names)
    assert len(names_of_average) == len(names)
    explored = [agent.act(obs, step=99, evaluate=False) for agent in (averaging, plain)]
    np.testing.assert_array_equal(*explored)
    evaluated = averaging.act(obs, step=99, evaluate=True)
    assert not np.array_equal(evaluated, plain.act(obs, step=99, evaluate=True))
    plain.load_acting_state(
        {n: tensors[n.replace("/", "_average/", 1)] for n in plain.acting_state()}
    )
    np.testing.assert_array_equal(evaluated, plain.act(obs, step=99, evaluate=True))
    restored = small_agent("mentor", "agent.average_rate=0.25", seed=2)
    restored.load_state(*copies(averaging))
    np.testing.assert_array_equal(evaluated, restored.act(obs, step=99, evaluate=True))


def test_actions_explore_uniformly_first_then_around_the_mean() -> None:
    agent = small_agent("drqv2", "agent.stddev_start=0.05", "agent.stddev_end=0.05")
    obs = small_batch().obs[0].numpy()
    mean = agent.act(obs, step=0, evaluate=True)
    early = np.stack([agent.act(obs, step=9, evaluate=False) for _ in range(120)])
    late = np.stack([agent.act(obs, step=10, evaluate=False) for _ in range(120)])
    assert early.dtype == np.float32 and early.shape == (120, 3)
    assert np.abs(early).max() <= 1 and early.std() == pytest.approx(3**-0.5, rel=0.1)
    np.testing.assert_allclose(late.mean(0), mean, atol=0.02)
    np.testing.assert_array_equal(mean, agent.act(obs, step=5, evaluate=True))


def test_an_observation_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"observation is uint8 \(3, 24, 24\), this agent reads"):
        small_agent("drqv2").act(np.zeros((3, 24, 24), np.uint8), step=99, evaluate=True)


def test_pixels_that_are_not_uint8_and_a_missing_state_are_refused() -> None:
    with pytest.raises(ValueError, match="observation is float32"):
        small_agent("drqv2").act(np.zeros(LAYOUT.shape, np.float32), step=99, evaluate=True)  # type: ignore[arg-type]
    obs = np.zeros(LAYOUT.shape, np.uint8)
    with pytest.raises(ValueError, match="state has 0 numbers, this agent reads 4"):
        small_agent("drqv2", state_size=4).act(obs, step=99, evaluate=True)


@pytest.mark.parametrize("name", ["drqv2", "mentor"])
def test_a_state_vector_beside_the_pixels_changes_the_action(name: str) -> None:
    agent = small_agent(name, state_size=4)
    agent.update(small_batch(state_size=4), 0)
    obs = small_batch().obs[0].numpy()
    one, two = (
        agent.act(obs, np.full(4, x, np.float32), step=99, evaluate=True) for x in (0.0, 1.0)
    )
    assert not np.array_equal(one, two)


def test_router_statistics_leave_the_update_as_tensors() -> None:
    metrics = small_agent("mentor").update(small_batch(), 0)
    assert all(isinstance(value, Tensor) and not value.requires_grad for value in metrics.values())
    assert metrics["router/usage"].shape == (6,)
    assert float(metrics["router/usage"].sum()) == pytest.approx(1.0)
    assert -np.log(6) - 1e-6 <= float(metrics["router/load_balance"]) <= 0
    assert 0 <= float(metrics["router/entropy"]) <= np.log(6) + 1e-6


@pytest.mark.parametrize("name", ["mentor", "taco", "alix"])
def test_bfloat16_gradients_point_where_float32_ones_do(name: str) -> None:
    """Of every network, experts and router too; which experts a row meets is the same."""
    seen: list[dict[str, Tensor]] = []
    for precision in ("float32", "bfloat16"):
        agent = small_agent(name, *QUIET, f"agent.precision={precision}")
        assert isinstance(agent, DrQv2Agent)
        if name == "mentor":  # far apart, so that no row changes its experts by rounding
            with torch.no_grad():
                agent.actor.middle.router.last.bias.copy_(torch.arange(6.0))  # type: ignore[union-attr]
        gradients: dict[str, Tensor] = {}
        inner = agent._gradients

        def outer(which: str, loss: Tensor, inner=inner, gradients=gradients) -> dict[str, Tensor]:  # type: ignore[no-untyped-def]
            found = inner(which, loss)
            gradients.update({f"{which}: {key}": gradient for key, gradient in found.items()})
            return found

        agent._gradients = outer  # type: ignore[method-assign]
        agent.update(small_batch(64), 0)
        seen.append(gradients)
    assert all(g.dtype == torch.float32 for g in seen[1].values())
    assert name != "mentor" or any("middle.second" in key for key in seen[0])
    for key, exact in seen[0].items():
        rounded = seen[1][key]
        assert not torch.equal(exact, rounded) or not exact.any(), f"{key}: nothing was rounded"
        if exact.numel() > 1 and exact.abs().max() > 0:
            cosine = F.cosine_similarity(exact.flatten(), rounded.flatten(), dim=0)
            assert float(cosine) > 0.95, key


def test_acting_in_another_thread_does_not_disturb_learning() -> None:
    quiet, busy = (small_agent("mentor", "agent.dormant_every=1") for _ in range(2))
    done = threading.Event()

    def act() -> None:
        while not done.is_set():
            busy.act(small_batch().obs[0], step=50, evaluate=False)

    thread = threading.Thread(target=act)
    thread.start()
    for step in range(10):
        for agent in (quiet, busy):
            agent.update(small_batch(seed=step), step)
    done.set()
    thread.join()
    for name, tensor in quiet.acting_state().items():
        assert torch.equal(tensor, busy.acting_state()[name])


def test_observations_too_small_for_the_encoder_are_refused() -> None:

    layout = FrameLayout(("front",), 1, 12, 12, True)
    with pytest.raises(ValueError, match="too small for the encoder"):
        make_agent(small_config(), Shape(layout, 0, 2), 0)
    assert LAYOUT.height == 24
