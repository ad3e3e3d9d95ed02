"""The mixture of experts: eq. 1 and 2, Alg. 2, and sparse dispatch against the dense reading."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from mentor_policy.device.cpu import dispatch as dispatch_module
from mentor_policy.device.cpu.dispatch import plan
from mentor_policy.networks import MixtureOfExperts, Routing, initialise

WIDTH, HIDDEN = 12, 5


def double_moe(experts: int, top_k: int) -> MixtureOfExperts:
    moe = MixtureOfExperts(WIDTH, HIDDEN, experts, top_k)
    generator = torch.Generator().manual_seed(7)
    initialise(moe, generator)
    moe = moe.double()
    with torch.no_grad():
        for parameter in moe.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator).double())
    return moe


def numpy_moe(moe: MixtureOfExperts, x: np.ndarray) -> np.ndarray:
    """Eq. 1 and 2 written out, row by row."""
    p = {name: tensor.detach().numpy() for name, tensor in moe.named_parameters()}
    rows = []
    for row in x:
        hidden = np.maximum(p["router.first.weight"] @ row + p["router.first.bias"], 0)
        logits = p["router.last.weight"] @ hidden + p["router.last.bias"]
        chosen = np.argsort(-logits)[: moe.top_k]
        weights = np.exp(logits[chosen]) / np.exp(logits[chosen]).sum()
        out = np.zeros(WIDTH)
        for i, weight in zip(chosen, weights, strict=True):
            inner = np.maximum(p["first.weight"][i] @ row + p["first.bias"][i], 0)
            out += weight * (p["second.weight"][i] @ inner + p["second.bias"][i])
        rows.append(out)
    return np.stack(rows)


@pytest.mark.parametrize(("rows", "experts", "top_k"), [(9, 6, 2), (40, 4, 4), (1, 5, 1)])
def test_the_output_is_equation_2(rows: int, experts: int, top_k: int) -> None:
    moe = double_moe(experts, top_k)
    x = torch.randn(rows, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(moe(x)[0].detach().numpy(), numpy_moe(moe, x.numpy()), atol=1e-13)


def gradients(moe: MixtureOfExperts, x: torch.Tensor, dense: bool) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    y, routing = moe.dense(x) if dense else moe(x)
    probe = torch.sin(torch.arange(y.numel(), dtype=torch.float64)).view_as(y)
    loss = (y * probe).sum() + routing.load_balance_loss()
    return [y, *torch.autograd.grad(loss, [x, *moe.parameters()])]


@pytest.mark.parametrize("together", [True, False], ids=["batched", "one by one"])
@pytest.mark.parametrize(("rows", "experts", "top_k"), [(32, 6, 2), (3, 8, 2), (70, 3, 3)])
def test_sparse_equals_dense_in_forward_and_every_gradient(
    rows: int, experts: int, top_k: int, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_module, "_LARGEST_PADDING", 1e9 if together else 0.0)
    moe = double_moe(experts, top_k)
    x = torch.randn(rows, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for sparse, dense in zip(gradients(moe, x, False), gradients(moe, x, True), strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-11, atol=1e-12)


def test_an_expert_without_a_row_gets_a_gradient_of_exactly_zero() -> None:
    moe = double_moe(5, 2)
    with torch.no_grad():
        moe.router.last.bias[3] = -1e6
    x = torch.randn(20, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    y, routing = moe(x)
    assert 3 not in routing.experts
    for gradient in torch.autograd.grad(y.square().sum(), [moe.first.weight, moe.second.bias]):
        assert torch.equal(gradient[3], torch.zeros_like(gradient[3]))
        assert gradient[0].abs().sum() > 0


def test_all_rows_may_go_to_the_same_experts() -> None:
    moe = double_moe(16, 2)
    with torch.no_grad():
        moe.router.last.bias[:2] = 1e6
    x = torch.randn(50, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    assert not plan(moe.route(x).experts, 16).together
    for sparse, dense in zip(gradients(moe, x, False), gradients(moe, x, True), strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-11, atol=1e-12)


def test_router_weights_are_the_softmax_over_the_chosen_logits_only() -> None:
    moe = double_moe(6, 3)
    x = torch.randn(8, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    routing = moe.route(x)
    kept = routing.logits.gather(1, routing.experts).exp()
    torch.testing.assert_close(routing.weights, kept / kept.sum(1, keepdim=True))
    torch.testing.assert_close(routing.weights.sum(1), torch.ones(8, dtype=torch.float64))


@pytest.mark.parametrize("experts", [1, 4, 16, 32])
def test_the_load_balance_loss_has_its_minimum_at_equal_use(experts: int) -> None:
    logits = nn.Parameter(
        torch.randn(64, experts, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    )
    chosen = torch.zeros(64, 1, dtype=torch.int64)

    def loss() -> torch.Tensor:
        return Routing(logits, chosen, torch.ones(64, 1)).load_balance_loss()

    assert -math.log(experts) <= float(loss().detach()) + 1e-12 <= 1e-12
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert float(loss().detach()) == pytest.approx(-math.log(experts), abs=1e-4)


def test_the_load_balance_loss_is_minus_the_entropy_of_the_mean_distribution() -> None:
    logits = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    raw = np.exp(logits.numpy())
    p = (raw / raw.sum(1, keepdims=True)).mean(0)
    routing = Routing(logits, torch.zeros(10, 1, dtype=torch.int64), torch.ones(10, 1))
    assert float(routing.load_balance_loss()) == pytest.approx((p * np.log(p)).sum(), abs=1e-14)


def test_a_router_that_has_collapsed_gives_a_finite_loss() -> None:
    logits = torch.tensor([[1e4, 0.0, 0.0]]).repeat(5, 1).requires_grad_()
    loss = Routing(
        logits, torch.zeros(5, 1, dtype=torch.int64), torch.ones(5, 1)
    ).load_balance_loss()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == 0.0
    assert torch.isfinite(gradient).all()


def test_usage_and_entropy_describe_the_routing() -> None:
    moe = double_moe(6, 2)
    x = torch.randn(30, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    routing = moe.route(x)
    assert float(routing.usage().sum().detach()) == pytest.approx(1.0)
    raw = routing.logits.softmax(1).detach().numpy()
    assert float(routing.entropy().detach()) == pytest.approx(-(raw * np.log(raw)).sum(1).mean())


def test_top_k_above_the_number_of_experts_is_refused() -> None:
    with pytest.raises(ValueError, match="top_k is 5; it must be from 1 to experts, which is 4"):
        MixtureOfExperts(WIDTH, HIDDEN, 4, 5)


def test_bfloat16_stays_near_float64() -> None:
    moe = double_moe(6, 2).float()
    x = torch.randn(64, WIDTH, generator=torch.Generator().manual_seed(10)).bfloat16()
    y, routing = moe(x)
    exact = sum(
        routing.weights[:, i, None].double()
        * moe.double().every_expert(x.double())[routing.experts[:, i], torch.arange(64)]
        for i in range(2)
    )
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.double(), exact, rtol=0.03, atol=0.03)
