"""Which number type the update computes in."""

from __future__ import annotations

from pathlib import Path

import torch


def compute_dtype(precision: str) -> torch.dtype:
    """The type for ``agent.precision``.

    Args:
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the processor multiplies
            it in hardware (AVX512-BF16 or AMX), else float32.

    Raises:
        ValueError: another word.
    """
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16() else torch.float32
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    raise ValueError(f"precision is {precision!r}; allowed are auto, float32, bfloat16")


def has_bfloat16() -> bool:
    """True where Linux reports that the processor has bfloat16 products."""
    try:
        flags = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
