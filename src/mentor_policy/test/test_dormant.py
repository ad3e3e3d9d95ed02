"""The dormant ratio (eq. 3 and 4) against an independent count in float64."""

import numpy as np
import pytest
import torch

from mentor_policy.agents.dormant import dormant_neurons, dormant_ratio
from mentor_policy.networks import Actor, Trunk, initialise, moe


def an_actor(experts: tuple[int, int, int] | None) -> Actor:
    actor = Actor(Trunk(20, 6), 10, 3, experts)
    generator = torch.Generator().manual_seed(0)
    initialise(actor, generator)
    actor = actor.double()
    with torch.no_grad():
        for parameter in actor.parameters():
            small = torch.rand(parameter.shape[:1], generator=generator) < 0.3
            parameter[small] *= 1e-3  # some neurons say almost nothing
    return actor


def numpy_ratio(actor: Actor, h: np.ndarray, tau: float) -> float:
    """Every linear layer by hand; every expert sees every row."""
    p = {name: tensor.detach().numpy() for name, tensor in actor.named_parameters()}
    outputs = []

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        outputs.append(x @ p[f"{name}.weight"].T + p[f"{name}.bias"])
        return outputs[-1]

    z = linear("trunk.linear", h)
    z = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + 1e-5)
    z = np.tanh(z * p["trunk.norm.weight"] + p["trunk.norm.bias"])
    x = np.maximum(linear("first", z), 0)
    if "middle.weight" in p:
        y = linear("middle", x)
    else:
        logits = linear("middle.router.last", np.maximum(linear("middle.router.first", x), 0))
        parts = []
        for i in range(logits.shape[1]):
            inner = x @ p["middle.first.weight"][i].T + p["middle.first.bias"][i]
            outer = np.maximum(inner, 0) @ p["middle.second.weight"][i].T
            outputs.extend([inner, outer + p["middle.second.bias"][i]])
            parts.append(outputs[-1])
        k = actor.middle.top_k  # type: ignore[union-attr]
        y = np.zeros_like(x)
        for row, logit in enumerate(logits):
            chosen = np.argsort(-logit)[:k]
            weight = np.exp(logit[chosen]) / np.exp(logit[chosen]).sum()
            y[row] = sum(w * parts[i][row] for i, w in zip(chosen, weight, strict=True))
    linear("last", np.maximum(y, 0))
    dormant = neurons = 0
    for output in outputs:
        activity = np.abs(output).mean(0)
        dormant += int((activity / activity.mean() <= tau).sum())
        neurons += activity.size
    return dormant / neurons


@pytest.mark.parametrize("experts", [None, (5, 2, 4)], ids=["MLP", "mixture of experts"])
@pytest.mark.parametrize("tau", [0.025, 0.3])
@pytest.mark.parametrize("sparse_on", [("cpu",), ()], ids=["as on the CPU", "as on CUDA"])
def test_the_dormant_ratio_is_equation_4(
    experts: tuple[int, int, int] | None,
    tau: float,
    sparse_on: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moe, "SPARSE_ON", sparse_on)
    actor = an_actor(experts)
    h = torch.randn(40, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = numpy_ratio(actor, h.numpy(), tau)
    assert 0.0 < expected < 1.0
    assert float(dormant_ratio(actor, h, None, tau)) == pytest.approx(expected, abs=1e-7)


def test_measuring_leaves_no_hook_behind() -> None:
    actor = an_actor((5, 2, 4))
    dormant_ratio(actor, torch.randn(4, 20).double(), None, 0.025)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in actor.modules())


def test_a_silent_layer_is_all_dormant_and_not_nan() -> None:
    assert int(dormant_neurons(torch.zeros(1, 7), 0.025)) == 7


def test_a_neuron_exactly_at_the_threshold_is_dormant() -> None:
    activity = torch.tensor([[0.5, 1.5]])  # scores 0.5 and 1.5
    assert int(dormant_neurons(activity, 0.5)) == 1
