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


def reference_gradients(
    agent: DrQv2Agent, batch: Batch, rate: float, lb: float
) -> dict[str, Tensor]:
    """One update's gradients in float64, from the formulas; only weights come from the agent.

    rate: share of V in the target; lb: weight of the load-balance loss.
    """
    p = {
        f"{net}/{name}": t.detach().double().requires_grad_(net != "critic_target")
        for net, module in agent.networks.items()
        for name, t in module.named_parameters()
    }

    def encode(obs: Tensor) -> Tensor:
        x = obs.double() / 255 - 0.5
        for i, stride in enumerate((2, 1, 1, 1)):
            x = F.conv2d(x, p[f"encoder/convs.{i}.weight"], p[f"encoder/convs.{i}.bias"], stride)
            x = F.relu(x)
        return x.permute(0, 2, 3, 1).reshape(len(obs), -1)

    def lin(name: str, x: Tensor) -> Tensor:
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    def trunk(net: str, h: Tensor) -> Tensor:
        z = lin(f"{net}/trunk.linear", h)
        z = (z - z.mean(1, keepdim=True)) / (z.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        return torch.tanh(z * p[f"{net}/trunk.norm.weight"] + p[f"{net}/trunk.norm.bias"])

    def q(net: str, h: Tensor, action: Tensor) -> list[Tensor]:
        x = torch.cat([trunk(net, h), action], 1)
        result = []
        for i in range(2):
            y = x
            for layer in ("first", "second", "last"):
                y = y @ p[f"{net}/{layer}.weight"][i].T + p[f"{net}/{layer}.bias"][i]
                y = F.relu(y) if layer != "last" else y
            result.append(y)
        return result

    def value(h: Tensor) -> Tensor:
        return lin(
            "value/last", F.relu(lin("value/second", F.relu(lin("value/first", trunk("value", h)))))
        )

    def act(h: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(lin("actor/first", trunk("actor", h)))
        balance = torch.zeros(())
        if "actor/middle.weight" in p:
            y = lin("actor/middle", x)
        else:
            logits = lin("actor/middle.router.last", F.relu(lin("actor/middle.router.first", x)))
            top = logits.topk(agent.actor.middle.top_k, dim=1)  # type: ignore[union-attr,arg-type]
            gate = torch.zeros_like(logits).scatter(1, top.indices, top.values.softmax(1))
            y = torch.zeros_like(x)
            for i in range(logits.shape[1]):
                w1, b1 = p["actor/middle.first.weight"][i], p["actor/middle.first.bias"][i]
                w2, b2 = p["actor/middle.second.weight"][i], p["actor/middle.second.bias"][i]
                y = y + gate[:, i, None] * (F.relu(x @ w1.T + b1) @ w2.T + b2)
            share = logits.softmax(1).mean(0)
            balance = (share * share.log()).sum()
        return torch.tanh(lin("actor/last", F.relu(y))), balance

    h = encode(batch.obs)
    with torch.no_grad():
        h_next = encode(batch.next_obs)
        next_value = torch.min(*q("critic_target", h_next, act(h_next)[0]))
        if rate:
            next_value = rate * value(h_next) + (1 - rate) * next_value
        target = batch.reward.double() + batch.discount.double() * next_value
    both = q("critic", h, batch.action.double())
    critic_loss = sum(((one - target) ** 2).mean() for one in both)
    if "value/last.weight" in p:
        u = torch.min(*both).detach() - value(h.detach())
        critic_loss = critic_loss + (torch.where(u < 0, 0.1, 0.9).double() * u**2).mean()
    action, balance = act(h.detach())
    actor_loss = -torch.min(*q("critic", h.detach(), action)).mean() + lb * balance
    result = {}
    for actor, loss in ((True, actor_loss), (False, critic_loss)):
        names = [n for n, t in p.items() if n.startswith("actor") == actor and t.requires_grad]
        grads = torch.autograd.grad(loss, [p[n] for n in names])
        result.update(zip(names, grads, strict=True))
    return result


@pytest.mark.parametrize("name", ["drqv2", "drm", "mentor", "mentor_wo_moe"])
def test_every_gradient_of_an_update_equals_the_formulas_in_float64(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = small_agent(name, *QUIET)
    assert isinstance(agent, DrQv2Agent)
    batch = small_batch(30)
    for i in range(5):  # away from the initial weights, where biases are zero
        agent.update(small_batch(30, seed=i + 1), i)
    seen: dict[str, Tensor] = {}

    def step(gradients: dict[str, Tensor], check: bool = True) -> Tensor:
        seen.update(gradients)
        return torch.zeros(())

    monkeypatch.setattr(agent.optimizer, "step", step)
    rate = agent._exploit() if hasattr(agent, "_exploit") else 0.0
    expected = reference_gradients(agent, batch, rate, 0.002)
    agent.update(batch, 10)
    assert seen.keys() == expected.keys()
    for key, gradient in seen.items():
        scale = float(expected[key].abs().max())
        torch.testing.assert_close(
            gradient.double(), expected[key], rtol=1e-3, atol=2e-5 * scale + 1e-9, msg=key
        )


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


SHORT = ("agent.perturb_frames=12", "agent.dormant_every=2", "agent.top_performers=2")


@pytest.mark.parametrize("name", LEARNING)
def test_a_resumed_agent_goes_on_bit_by_bit(name: str) -> None:
    overrides = () if name in ("drqv2", "alix", "taco") else SHORT
    agent = small_agent(name, *overrides)
    live(agent, range(6, 16))
    saved = copies(agent)
    other = small_agent(name, *overrides, seed=9)
    other.load_state(*saved)
    assert_same(agent, other)
    for each in (agent, other):
        live(each, range(16, 24))
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
    assert e.value.tensor in agent.optimizer.parameters  # type: ignore[attr-defined]
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
    if name == "mentor":
        refused(tensors, {**values, "top_performers": {"next": 1, "members": [[0]]}}, "S_top")
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


def test_actions_explore_uniformly_first_then_around_the_mean() -> None:
    agent = small_agent("drqv2", "agent.stddev_start=0.05", "agent.stddev_end=0.05")
    obs = small_batch().obs[0].numpy()
    mean = agent.act(obs, step=0, evaluate=True)
    early = np.stack([agent.act(obs, step=9, evaluate=False) for _ in range(300)])
    late = np.stack([agent.act(obs, step=10, evaluate=False) for _ in range(300)])
    assert early.dtype == np.float32 and early.shape == (300, 3)
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


def test_bfloat16_gradients_point_where_float32_ones_do() -> None:
    seen: list[dict[str, Tensor]] = []
    for precision in ("float32", "bfloat16"):
        agent = small_agent("mentor_wo_moe", *QUIET, f"agent.precision={precision}")
        assert isinstance(agent, DrQv2Agent)
        step = agent.optimizer.step
        agent.optimizer.step = lambda g, c=True, step=step: (seen.append(g), step(g, c))[1]  # type: ignore
        agent.update(small_batch(64), 0)
    assert all(g.dtype == torch.float32 for g in seen[1].values())
    for name, exact in seen[0].items():
        if exact.abs().max() > 0:
            cosine = F.cosine_similarity(exact.flatten(), seen[1][name].flatten(), dim=0)
            assert float(cosine) > 0.95, name


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
        make_agent(small_config(), layout, 0, 2, 0)
    assert LAYOUT.height == 24
