"""Encoder, layers and the rounding of weights."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mentor_policy.agents.optimizer import Group, NamedAdam
from mentor_policy.device.cpu.cast import in_type
from mentor_policy.networks import (
    PIXEL_CENTRE,
    Encoder,
    Linear,
    StackedLinear,
    Trunk,
    TwinCritic,
    initialise,
    two_trunks,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_84_pixels_give_39200_numbers() -> None:
    encoder = Encoder((9, 84, 84))
    assert encoder.out_shape == (35, 35, 32)
    assert encoder.out_features == 39200


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_encoder_is_four_convolutions_of_x_over_255_minus_a_half(dtype: torch.dtype) -> None:
    encoder = Encoder((6, 30, 26))
    initialise(encoder, generator())
    obs = torch.randint(0, 256, (5, 6, 30, 26), generator=generator())
    x = obs.double() / 255 - 0.5
    reference = copy.deepcopy(encoder).double()
    for conv in reference.convs:
        x = F.relu(F.conv2d(x, conv.weight, conv.bias, conv.stride))
    expected = x.permute(0, 2, 3, 1).flatten(1)
    probe = torch.randn(expected.shape, generator=generator(), dtype=torch.float64)
    exact = torch.autograd.grad((expected * probe).sum(), list(reference.parameters()))
    h = encoder.to(dtype)((obs - PIXEL_CENTRE).to(dtype))
    gradients = torch.autograd.grad((h * probe.to(dtype)).sum(), list(encoder.parameters()))
    tight = 1e-12 if dtype == torch.float64 else 1e-4
    torch.testing.assert_close(h.double(), expected.detach(), rtol=tight, atol=tight)
    for gradient, value in zip(gradients, exact, strict=True):
        scale = float(value.abs().max())
        torch.testing.assert_close(gradient.double(), value, rtol=tight, atol=tight * scale)


def test_both_critics_are_two_networks_computed_together() -> None:
    critic = TwinCritic(Trunk(12, 5), 8, 2)
    initialise(critic, generator())
    critic = critic.double()
    h = torch.randn(7, 12, generator=generator()).double()
    action = torch.rand(7, 2, generator=generator()).double()
    q = critic(h, None, action)
    x = torch.cat([critic.trunk(h), action], dim=1)
    for i in range(2):
        y = x
        for layer in (critic.first, critic.second, critic.last):
            y = F.linear(y, layer.weight[i], layer.bias[i])
            y = F.relu(y) if layer is not critic.last else y
        torch.testing.assert_close(q[i], y, rtol=1e-12, atol=1e-12)
    assert not torch.equal(q[0], q[1])


def test_two_trunks_are_each_as_alone_and_only_the_first_moves_what_they_read() -> None:
    trunks = [Trunk(12, 5, 2), Trunk(12, 5, 2)]
    for number, trunk in enumerate(trunks):
        initialise(trunk, generator(number))
    parameters = [parameter for trunk in trunks for parameter in trunk.double().parameters()]
    h = torch.randn(7, 12, generator=generator()).double().requires_grad_()
    state, probe = (torch.randn(7, n, generator=generator(n)).double() for n in (2, 7))
    together = two_trunks(trunks[0], trunks[1], h, state)
    alone = (trunks[0](h, state), trunks[1](h.detach(), state))
    found, expected = (
        torch.autograd.grad((first * probe).sum() + (second * probe**2).sum(), [h, *parameters])
        for first, second in (together, alone)
    )
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_initial_weights_are_orthogonal_and_biases_zero() -> None:
    module = nn.ModuleDict(
        {"a": Linear(6, 4), "b": StackedLinear(3, 5, 5), "c": Encoder((3, 20, 20)).convs[0]}
    )
    initialise(module, generator())
    for weight in (module["a"].weight, *module["b"].weight):
        torch.testing.assert_close(weight @ weight.T, torch.eye(len(weight)), atol=1e-5, rtol=0)
    flat = module["c"].weight.flatten(1)
    square = flat.T @ flat if flat.shape[0] > flat.shape[1] else flat @ flat.T
    torch.testing.assert_close(square, 2 * torch.eye(len(square)), atol=1e-5, rtol=0)
    assert not any(p.any() for name, p in module.named_parameters() if name.endswith("bias"))
    assert math.isclose(float(module["b"].weight[0].detach().norm()), math.sqrt(5), rel_tol=1e-5)


def test_a_gradient_in_another_memory_layout_moves_its_own_scalars() -> None:
    """Convolutions in channels_last and products of transposed weights give such gradients."""
    gradient = torch.tensor([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0]]).t().contiguous().t()
    assert gradient.stride() == (1, 2)
    weight = nn.Parameter(torch.zeros(2, 3))
    NamedAdam([Group({"weight": weight}, 0.5)]).step({"weight": gradient})
    torch.testing.assert_close(weight.detach(), -0.5 * gradient)


def test_a_bfloat16_input_meets_rounded_weights_and_gradients_arrive_in_float32() -> None:
    layer = Linear(3, 4)
    initialise(layer, generator())
    x = torch.ones(2, 3, dtype=torch.bfloat16)
    y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, x @ layer.weight.detach().bfloat16().T)
    (gradient,) = torch.autograd.grad(y.sum(), layer.weight)
    assert gradient.dtype == torch.float32 and torch.equal(gradient, torch.full((4, 3), 2.0))


def test_rounded_weights_follow_every_change_and_are_rounded_once_for_each() -> None:
    weight = nn.Parameter(torch.randn(4, 3, generator=generator()))
    adam = NamedAdam([Group({"weight": weight}, 0.1)])

    def change_in_place() -> None:
        with torch.no_grad():
            weight.mul_(0.5).add_(1.0)

    def change_by_average() -> None:
        with torch.no_grad():
            torch._foreach_lerp_([weight], [torch.ones(4, 3)], 0.5)

    def change_by_copy() -> None:
        with torch.no_grad():
            weight.copy_(torch.full((4, 3), 7.0))

    def change_by_adam() -> None:
        adam.step({"weight": torch.ones_like(weight)})

    for change in (change_by_adam, change_in_place, change_by_average, change_by_copy):
        before = in_type(weight, torch.bfloat16)
        assert in_type(weight, torch.bfloat16).data_ptr() == before.data_ptr()
        kept = before.detach().clone()
        change()
        after = in_type(weight, torch.bfloat16)
        assert not torch.equal(kept, after)
        assert torch.equal(after, weight.detach().bfloat16())
    other = copy.deepcopy(weight)
    with torch.no_grad():
        other.fill_(3.0)
    assert torch.equal(in_type(other, torch.bfloat16), torch.full((4, 3), 3.0).bfloat16())


def test_a_seed_draws_the_same_weights_whatever_their_type() -> None:
    one, other = Linear(6, 4), Linear(6, 4).double()
    initialise(one, generator())
    initialise(other, generator())
    assert torch.equal(one.weight.double(), other.weight)
