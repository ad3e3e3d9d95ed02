"""Which number type the update computes in."""

from __future__ import annotations

from pathlib import Path

import torch


def compute_dtype(precision: str) -> torch.dtype:
    """The type for ``agent.precision``.

    Args:
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the processor multiplies
            it faster than float32.

    Raises:
        ValueError: another word.
    """
    if precision == "auto":
        return torch.bfloat16 if fast_bfloat16() else torch.float32
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    raise ValueError(f"precision is {precision!r}; allowed are auto, float32, bfloat16")


def fast_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """True where the processor's bfloat16 products are faster than its float32 ones.

    That is AMX, and AVX512-BF16 on AMD. Intel processors whose AMX is off (as in many virtual
    machines) have AVX512-BF16 too, but at half the speed of float32: measured 85 against 165
    GFLOP/s and core. The answer depends on the machine alone, so that runs repeat bit by bit.
    """
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
