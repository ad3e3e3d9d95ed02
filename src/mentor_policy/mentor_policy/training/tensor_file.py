"""Tensors to a safetensors file: in pieces, hashed beside, other threads running meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

PIECE = 16 << 20
"""Bytes written at a time."""
_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write a file and have it on the disk.

    Nothing is copied and no lock is held while a piece is hashed and written, so that a thread
    which acts does not wait for one that saves.

    Args:
        path: path of the file.
        tensors: by name, on any device; they must not change meanwhile.

    Returns:
        Its SHA-256.

    Raises:
        OSError: the disk is full or read-only; a torn file is left.
    """
    # The widest first: so each begins where its type may.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, object] = {}
    end = 0
    for name in names:
        tensor = tensors[name]
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    header_part = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(header_part)
    with path.open("wb") as file, ThreadPoolExecutor(1) as hasher:
        file.write(header_part)
        for name in names:
            flat = tensors[name].detach().cpu().contiguous().flatten().view(torch.uint8)
            data = flat.numpy().data
            for begin in range(0, len(data), PIECE):
                piece = data[begin : begin + PIECE]
                hasher.submit(digest.update, piece)
                file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
