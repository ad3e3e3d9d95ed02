"""Training of the finders of the cable, from silhouettes that a simulator tells."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from mentor_reward.classifier.augmentation import augment
from mentor_reward.classifier.slot_network import CableFinder, SlotNetwork
from mentor_reward.classifier.slots import SIDE_VIEW
from mentor_reward.dataset.labelled_images import Silhouettes


def train_finders(
    network: SlotNetwork,
    silhouettes: Silhouettes,
    steps: int,
    seed: int,
    log: Callable[[str], None] = print,
) -> None:
    """Teaches the network's finders, each on the views that it is for.

    Raises:
        ValueError: the silhouettes lack the side camera's view, and the network looks at it.
    """
    is_side = silhouettes.views == SIDE_VIEW
    train_finder(network.finder, silhouettes.chosen(~is_side), steps, seed, log)
    if network.side_finder is not None:
        if not is_side.any():
            raise ValueError(
                "the silhouettes lack the view of the side camera, which the images have; "
                "collect them anew"
            )
        train_finder(network.side_finder, silhouettes.chosen(is_side), steps, seed, log)


def train_finder(
    finder: CableFinder,
    silhouettes: Silhouettes,
    steps: int,
    seed: int,
    log: Callable[[str], None] = print,
) -> None:
    """Teaches a network to tell how much of each pixel the cable covers."""
    frames = torch.from_numpy(silhouettes.frames)
    shares = torch.from_numpy(silhouettes.shares)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(finder.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    total = 0.0
    for step in range(1, steps + 1):
        chosen = torch.randint(len(frames), (24,), generator=generator)
        images = augment(frames[chosen], generator)
        seen = finder(images.contiguous(memory_format=torch.channels_last))
        covered = shares[chosen].float() / 255.0
        loss = nn.functional.binary_cross_entropy_with_logits(seen, covered)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += float(loss.detach())
        if step % 250 == 0:
            log(f"finding the cable, step {step}: loss {total / 250:.4f}")
            total = 0.0
