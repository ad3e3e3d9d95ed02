"""Which number type `auto` chooses, and memory that malloc keeps."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mentor_policy.device import precision
from mentor_policy.device.precision import compute_dtype, fast_bfloat16, weight_dtype

CPU = torch.device("cpu")
INTEL, AMD = "GenuineIntel", "AuthenticAMD"


@pytest.mark.parametrize(
    ("vendor", "flags", "fast"),
    [
        (INTEL, "avx2 avx512f avx512_bf16 amx_bf16", True),
        (INTEL, "avx2 avx512f avx512_bf16", False),
        (AMD, "avx2 avx512f avx512_bf16", True),
        (AMD, "avx2", False),
    ],
)
def test_auto_takes_bfloat16_where_it_is_the_faster_type(
    vendor: str, flags: str, fast: bool, tmp_path: Path
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags}\n")
    assert fast_bfloat16(CPU, file) is fast


def test_a_machine_that_does_not_say_computes_in_float32(tmp_path: Path) -> None:
    assert not fast_bfloat16(CPU, tmp_path / "nothing")


@pytest.mark.parametrize("fast", [True, False])
def test_precision_is_what_was_asked_for(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "fast_bfloat16", lambda device: fast)
    assert compute_dtype("float32", CPU) == torch.float32
    assert compute_dtype("bfloat16", CPU) == torch.bfloat16
    assert compute_dtype("float64", CPU) == torch.float64
    assert compute_dtype("auto", CPU) == (torch.bfloat16 if fast else torch.float32)
    with pytest.raises(ValueError, match="precision is 'half'; allowed are"):
        compute_dtype("half", CPU)


def test_master_weights_have_at_least_32_bits() -> None:
    types = {torch.bfloat16: torch.float32, torch.float32: torch.float32}
    assert {t: weight_dtype(t) for t in types} == types
    assert weight_dtype(torch.float64) == torch.float64


@pytest.mark.parametrize(("generation", "fast"), [(7, False), (8, True), (9, True)])
def test_cuda_devices_from_ampere_on_multiply_bfloat16(
    generation: int, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (generation, 0))
    assert fast_bfloat16(torch.device("cuda", 0)) is fast


def test_kept_memory_is_not_faulted_in_again() -> None:
    program = """
import resource, torch
from mentor_policy.device.cpu.malloc import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(64 << 18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
usual = faults(); assert keep_freed_memory(); faults(); print(usual, faults())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    usual, kept = map(int, done.stdout.split())
    assert kept < usual / 10
