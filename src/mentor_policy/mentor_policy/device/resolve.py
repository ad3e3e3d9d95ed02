"""From the name of a device to the device."""

from __future__ import annotations

import re

import torch

from mentor_policy.config.check import DEVICE_NAME, ConfigError


def resolve_device(name: str) -> torch.device:
    """Return the device that ``train.device`` names.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:<n>``, or ``auto``: the first CUDA device where there is
            one, else the processor.

    Raises:
        ConfigError: another word, or an unavailable CUDA device.
    """
    if not re.fullmatch(DEVICE_NAME, name):
        raise ConfigError(f"device is {name!r}; allowed are auto, cpu, cuda, cuda:0, cuda:1, ...")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        build = torch.version.cuda
        reason = (
            f"torch {torch.__version__} is built without CUDA"
            if build is None
            else f"torch {torch.__version__} for CUDA {build} finds {count} CUDA devices"
        )
        raise ConfigError(f"device is {name!r}, but {reason}; use device=cpu or device=auto")
    return torch.device("cuda", index)
