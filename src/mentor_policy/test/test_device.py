"""Where agents compute: devices by name, batches and agents on them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_agents import ACTION_SIZE, LAYOUT, small_agent, small_batch, small_config
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from mentor_policy.agents import NonFiniteGradientError, make_agent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.agents.optimizer import Group, NamedAdam
from mentor_policy.agents.shape import Shape
from mentor_policy.config import ConfigError, load_config
from mentor_policy.device.graph import GraphedUpdate
from mentor_policy.device.resolve import resolve_device
from mentor_policy.networks import encoder, moe, random_shift

LEARNING = ["drqv2", "drm", "mentor", "mentor_wo_moe", "alix", "taco"]


def test_devices_are_named_as_torch_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    for count, chosen in ((0, torch.device("cpu")), (2, torch.device("cuda", 0))):
        monkeypatch.setattr(torch.cuda, "is_available", lambda count=count: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert resolve_device("auto") == chosen
    assert resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match=r"device is 'cuda:2', but torch .*use device=cpu or"):
        resolve_device("cuda:2")


def test_a_cuda_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device is 'cuda', but torch .*; use device=cpu or"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "CPU", "cuda:12345", "meta"])
def test_other_words_are_no_device(name: str) -> None:
    with pytest.raises(ConfigError, match=r"train\.device is .*; allowed are auto, cpu, cuda"):
        load_config("mentor", "dmc", [f"train.device='{name}'"])
    with pytest.raises(ConfigError, match=r"device is .*; allowed are auto, cpu, cuda"):
        resolve_device(name)


def test_a_batch_moves_as_a_whole_and_keeps_its_memory_layout() -> None:
    batch, agent = small_batch(state_size=2), small_agent("mentor", state_size=2)
    assert agent.to_device(batch) is batch
    moved = batch.to(torch.device("meta"))
    assert moved.obs.device.type == moved.next_state.device.type == "meta"  # type: ignore[union-attr]
    assert moved.obs.stride() == batch.obs.stride()
    assert small_batch().to(torch.device("meta")).state is None


@pytest.mark.parametrize("name", ["mentor", "random"])
def test_the_mean_action_comes_beside_the_action(name: str) -> None:
    agent, obs = small_agent(name), small_batch().obs[0].numpy()
    mean = agent.act(obs, step=99, evaluate=True) if name != "random" else np.zeros(3)
    for step in (0, 99):  # uniform first, then around the mean
        action, given = agent.act_with_mean(obs, step=step, evaluate=False)
        np.testing.assert_array_equal(given, mean)
        assert action.dtype == given.dtype == np.float32 and not np.array_equal(action, given)


def agent_on(device: torch.device, name: str, *overrides: str) -> DrQv2Agent:
    config = small_config(name, *overrides)
    agent = make_agent(config, Shape(LAYOUT, 0, ACTION_SIZE), 0, device)
    assert isinstance(agent, DrQv2Agent)
    return agent


def everywhere(agent: DrQv2Agent, metrics: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights, moments and statistics."""
    live = {n: t for n, t in agent._live_tensors().items() if n != "acting_noise"}
    return {**live, **metrics}


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *((name, "float32") for name in LEARNING),
        ("mentor", "bfloat16"),
        *(
            pytest.param(name, "bfloat16", marks=pytest.mark.soak)
            for name in LEARNING
            if name != "mentor"
        ),
    ],
)
def test_a_whole_update_runs_on_meta_without_a_look_from_the_host(
    name: str, precision: str
) -> None:
    """On ``meta`` reading a value raises, and so does a product with another device."""
    meta = torch.device("meta")
    dormant = ("agent.dormant_every=2",) if name in ("drm", "mentor", "mentor_wo_moe") else ()
    saturation = "agent.saturation_weight=0.01"
    agent = agent_on(meta, name, f"agent.precision={precision}", saturation, *dormant)
    for step in range(2):  # with and without a measurement of the dormant ratio
        metrics = agent.update(small_batch(), step)
    assert all(tensor.device == meta for tensor in everywhere(agent, metrics).values())
    with pytest.raises(RuntimeError, match="meta"):
        float(metrics["critic/loss"])


def move_fake(network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """``Module.to`` for fake tensors, whose data cannot be swapped."""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(
                    parameter.to(device, dtype), parameter.requires_grad
                )


@pytest.mark.parametrize("name", LEARNING)
def test_an_update_forward_runs_on_fake_cuda_tensors(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed devices raise there. Gradients and steps, which fake CUDA cannot take, are zeros."""
    cuda = torch.device("cuda", 0)
    monkeypatch.setattr(
        torch.autograd, "grad", lambda loss, inputs: [torch.zeros_like(t) for t in inputs]
    )
    monkeypatch.setattr(NamedAdam, "step", lambda *_: torch.zeros((), device=cuda))
    monkeypatch.setattr(nn.Module, "to", move_fake)
    with FakeTensorMode(), torch.no_grad():
        agent = agent_on(cuda, name, "agent.precision=bfloat16")
        metrics = agent.update(small_batch(), 40)
        assert all(tensor.device == cuda for tensor in everywhere(agent, metrics).values())
        with pytest.raises(RuntimeError, match=r"cuda|data"):
            float(metrics["critic/loss"])


@pytest.mark.parametrize("name", LEARNING)
def test_the_form_of_other_devices_learns_as_the_processors_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain convolutions, all experts as one product, shifts by gathering, on the processor."""

    def learnt() -> dict[str, Tensor]:
        agent = agent_on(torch.device("cpu"), name, "agent.precision=float64")
        for step in range(3):
            agent.update(small_batch(seed=step), step)
        return agent._live_tensors()

    usual = learnt()
    monkeypatch.setattr(random_shift, "CROPPED_ON", ())
    monkeypatch.setattr(moe, "SPARSE_ON", ())
    monkeypatch.setattr(encoder, "FUSED_ON", ())
    for key, tensor in learnt().items():
        torch.testing.assert_close(tensor, usual[key], rtol=1e-7, atol=1e-9, msg=key)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
@pytest.mark.parametrize("graph", [False, True], ids=["as it is", "as a graph"])
@pytest.mark.parametrize("name", LEARNING)
def test_ten_updates_on_cuda_equal_the_processors(name: str, graph: bool) -> None:
    usual = agent_on(torch.device("cpu"), name, "agent.precision=float64")
    cuda = torch.device("cuda", 0)
    flag = f"agent.cuda_graph={str(graph).lower()}"
    other = agent_on(cuda, name, "agent.precision=float64", flag)
    for step in range(10):
        for agent in (usual, other):
            agent.update(small_batch(seed=step), step)
    found = other._live_tensors()
    for key, tensor in usual._live_tensors().items():
        torch.testing.assert_close(found[key].cpu(), tensor, rtol=1e-5, atol=1e-7, msg=key)
    again = agent_on(torch.device("cpu"), name, "agent.precision=float64")
    again.load_state(*other.state())  # checkpoints move between devices
    assert torch.equal(again.actor.last.weight, other.actor.last.weight.cpu())


class StandInRecorder:
    """Does at each replay what a CUDA graph would have recorded."""

    def warm_up(self, work: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        return work()

    def record(self, work: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        self._work, self._results = work, {}
        return self._results

    def replay(self) -> None:
        self._results.update(self._work())


def test_an_update_through_a_graphs_buffers_is_the_same_update() -> None:
    usual, graphed = (small_agent("mentor", "agent.dormant_every=2") for _ in range(2))
    assert isinstance(usual, DrQv2Agent) and isinstance(graphed, DrQv2Agent)
    graphed._graph = GraphedUpdate(graphed._learn, StandInRecorder)
    kept = []
    for step in range(12):
        batch = small_batch(seed=step)
        expected, found = usual.update(batch, step), graphed.update(batch, step)
        kept.append((expected, found))
    for expected, found in kept:  # results are not overwritten by later replays
        assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert len(graphed._graph._recordings) == 2  # with a measurement and without
    for key, tensor in usual._live_tensors().items():
        assert torch.equal(tensor, graphed._live_tensors()[key]), key


def test_a_graph_needs_a_cuda_device() -> None:
    with pytest.raises(ConfigError, match=r"agent\.cuda_graph is true, but the device is cpu"):
        small_agent("mentor", "agent.cuda_graph=true")


def test_away_from_the_processor_a_bad_gradient_stops_all_steps_and_is_named_when_read() -> None:
    weights = {name: nn.Parameter(torch.zeros(3)) for name in ("a", "b")}
    adam = NamedAdam([Group(weights, 0.1)])
    adam._bad = torch.zeros(2, dtype=torch.bool)  # as on a device
    good = {name: torch.ones(3) for name in weights}
    adam.step(good)
    adam.refuse_bad()
    before = {name: tensor.clone() for name, tensor in adam.state().items()}
    values = {name: weight.detach().clone() for name, weight in weights.items()}
    for gradients in ({**good, "b": torch.full((3,), torch.nan)}, good):
        adam.step(gradients)
        assert all(torch.equal(before[name], tensor) for name, tensor in adam.state().items())
        assert all(torch.equal(values[name], weight) for name, weight in weights.items())
    with pytest.raises(NonFiniteGradientError, match="gradient of b is not finite"):
        adam.refuse_bad()


def test_a_random_agent_too_is_refused_a_device_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device is 'cuda', but torch .*; use device=cpu or"):
        make_agent(load_config("random", "dmc", ["train.device=cuda"]), Shape(LAYOUT, 0, 2), 0)
