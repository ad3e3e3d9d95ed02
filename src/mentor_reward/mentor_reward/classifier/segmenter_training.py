"""Training of the segmenters, from segmentation masks that a simulator rendered."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from mentor_reward.classifier.augmentation import augment
from mentor_reward.classifier.slot_network import Segmenter, SlotNetwork
from mentor_reward.classifier.slots import SIDE_VIEW
from mentor_reward.dataset.labelled_images import Masks


def train_segmenters(
    network: SlotNetwork,
    masks: Masks,
    steps: int,
    seed: int,
    log: Callable[[str], None] = print,
) -> None:
    """Train the network's segmenters, each on the views that it is for.

    Args:
        network: network whose segmenters are trained.
        masks: frames with their segmentation masks.
        steps: gradient steps of each segmenter.
        seed: seed of the batches and the augmentation.
        log: called with a line every 250 steps.

    Raises:
        ValueError: the network needs the side camera's view, and no mask is of that view.
    """
    is_side = masks.views == SIDE_VIEW
    if network.side_segmenter is not None and not is_side.any():
        raise ValueError(
            "the masks lack the view of the side camera, which the images have; "
            "collect the masks again"
        )
    train_segmenter(network.segmenter, masks.subset(~is_side), steps, seed, log)
    if network.side_segmenter is not None:
        train_segmenter(network.side_segmenter, masks.subset(is_side), steps, seed, log)


def train_segmenter(
    segmenter: Segmenter,
    masks: Masks,
    steps: int,
    seed: int,
    log: Callable[[str], None] = print,
) -> None:
    """Train one segmenter to predict the coverage of each pixel; arguments as above."""
    frames = torch.from_numpy(masks.frames)
    coverage = torch.from_numpy(masks.coverage)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(segmenter.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    total = 0.0
    for step in range(1, steps + 1):
        batch = torch.randint(len(frames), (24,), generator=generator)
        images = augment(frames[batch], generator)
        predicted = segmenter(images.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.binary_cross_entropy_with_logits(
            predicted, coverage[batch].float() / 255.0
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += float(loss.detach())
        if step % 250 == 0:
            log(f"segmenter, step {step}: loss {total / 250:.4f}")
            total = 0.0
