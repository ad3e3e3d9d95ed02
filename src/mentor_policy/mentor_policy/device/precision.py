"""Which number type the update computes in."""

from __future__ import annotations

from pathlib import Path

import torch

PRECISIONS = ("auto", "float32", "bfloat16", "float64")
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}
_AMPERE = 8  # first generation of CUDA devices that multiplies bfloat16


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the type for ``agent.precision``.

    Args:
        precision: ``float32``, ``bfloat16``, ``float64`` (to compare with references), or
            ``auto``: bfloat16 where the device multiplies it faster than float32.
        device: device that computes.

    Raises:
        ValueError: another word.
    """
    if precision == "auto":
        return torch.bfloat16 if fast_bfloat16(device) else torch.float32
    if precision not in _TYPES:
        raise ValueError(f"precision is {precision!r}; allowed are {', '.join(PRECISIONS)}")
    return _TYPES[precision]


def weight_dtype(compute: torch.dtype) -> torch.dtype:
    """Return the type of the master weights: float64 where that is computed in, else float32."""
    return torch.promote_types(compute, torch.float32)


def fast_bfloat16(device: torch.device, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether a device's bfloat16 products are faster than its float32 ones.

    On a processor that is AMX, and AVX512-BF16 on AMD. Intel processors whose AMX is off (as in
    many virtual machines) have AVX512-BF16 too, but at half the speed of float32: with a loop of
    bare instructions 85 and 165 GFLOP/s a core, measured with commit 631895c on a virtual machine
    whose model was not noted. The answer depends on the machine alone, so that runs repeat bit by
    bit.
    """
    if device.type == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_capability(device)[0] >= _AMPERE
    if device.type != "cpu":
        return False
    try:
        text = cpuinfo.read_text()
    except OSError:
        return False
    flags = _field(text, "flags").split()
    amd = _field(text, "vendor_id") == "AuthenticAMD"
    return "amx_bf16" in flags or ("avx512_bf16" in flags and amd)


def _field(text: str, name: str) -> str:
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
