"""Pictures of a step, for people: what the policy saw, and bars beside it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from mentor_recorder.bags.steps import BagStep

Picture = npt.NDArray[np.uint8]
LINE = 16
"""Pixels of a line of text."""
PANEL = 300
"""Width of the panel with bars, pixels."""
WHITE, GREY, DARK = (245, 245, 245), (150, 150, 150), (40, 40, 40)
GREEN, RED, BLUE, ORANGE = (60, 160, 70), (200, 60, 50), (50, 110, 200), (230, 140, 30)


def frames_of(step: BagStep) -> npt.NDArray[np.uint8]:
    """Return the frames of a step's observation, (cameras, frames, height, width, 3) RGB.

    Raises:
        ValueError: the bag has no observation of the step.
    """
    message = step.observation
    if message is None:
        raise ValueError(f"the bag has no observation of episode {step.episode} step {step.step}")
    shape = (len(message.cameras), message.frames, 3, message.height, message.width)
    return np.frombuffer(message.data, np.uint8).reshape(shape).transpose(0, 1, 3, 4, 2)


def contact_sheet(step: BagStep, scale: int = 3) -> Picture:
    """Return all frames of a step: a row for each camera, time from left to right, with stamps."""
    frames = frames_of(step)
    message = step.observation
    rows = []
    for camera, name in enumerate(message.cameras):
        cells = []
        for frame in range(message.frames):
            index = camera * message.frames + frame
            stamp = message.stamps[index] if index < len(message.stamps) else None
            text = name if stamp is None else f"{name} {stamp.sec}.{stamp.nanosec // 1000000:03d}"
            cells.append(_titled(enlarge(frames[camera, frame], scale), text))
        rows.append(np.concatenate(cells, axis=1))
    sheet = np.concatenate(rows, axis=0)
    title = np.full((LINE + 4, sheet.shape[1], 3), WHITE, np.uint8)
    _text(title, f"episode {step.episode}  step {step.step}  {_reward_text(step)}", (4, LINE - 2))
    return np.concatenate([title, sheet], axis=0)


def step_picture(step: BagStep, scale: int = 3) -> Picture:
    """Return the newest frame of each camera, and beside them reward terms, action and experts."""
    newest = frames_of(step)[:, -1]
    cameras = [
        _titled(enlarge(picture, scale), name)
        for picture, name in zip(newest, step.observation.cameras, strict=True)
    ]
    pictures = np.concatenate(cameras, axis=1)
    side = panel(step, pictures.shape[0])
    return np.concatenate([pictures, side], axis=1)


def panel(step: BagStep, height: int) -> Picture:
    """Return the bars of a step, (height, PANEL, 3); a bar in grey is the mean of an action."""
    picture = np.full((height, PANEL, 3), WHITE, np.uint8)
    y = LINE
    _text(picture, f"step {step.step}  {_reward_text(step)}", (6, y - 3))
    y += 4
    if step.reward is not None:
        limit = max([1.0, *(abs(term) for term in step.reward.terms)])
        for name, term in zip(step.reward.term_names, step.reward.terms, strict=True):
            y = _bar(picture, y, name, term, limit, GREEN if term >= 0 else RED)
    if step.action is not None:
        y += 4
        means = list(step.action.mean)
        for i, value in enumerate(step.action.data):
            mean = means[i] if i < len(means) else None
            y = _bar(picture, y, f"action {i}", value, 1.0, BLUE, mean)
    if step.experts is not None and len(step.experts.weights):
        _experts(picture, y + 6, list(step.experts.weights))
    return picture


def enlarge(picture: Picture, scale: int) -> Picture:
    """Return the picture with each pixel ``scale`` times as wide and high."""
    return np.asarray(picture.repeat(scale, axis=0).repeat(scale, axis=1), np.uint8)


def _reward_text(step: BagStep) -> str:
    reward = step.reward
    if reward is None:
        return ""
    words = [f"reward {reward.value:.2f}"]
    words += [name for name in ("success", "terminated", "truncated") if getattr(reward, name)]
    if not reward.valid:
        words.append(f"NOT VALID: {reward.reason}")
    return "  ".join(words)


def _titled(picture: Picture, text: str) -> Picture:
    title = np.full((LINE, picture.shape[1], 3), DARK, np.uint8)
    _text(title, text, (4, LINE - 4), WHITE)
    return np.concatenate([title, np.ascontiguousarray(picture)], axis=0)


def _bar(
    picture: Picture,
    y: int,
    name: str,
    value: float,
    limit: float,
    colour: tuple[int, int, int],
    mark: float | None = None,
) -> int:
    """Draw a bar from the middle of its line; return where the next line begins."""
    if y + LINE > picture.shape[0]:
        return y
    left, right = 110, PANEL - 50
    middle, half = (left + right) // 2, (right - left) // 2
    _text(picture, name, (6, y + LINE - 5))
    end = middle + round(half * max(-1.0, min(1.0, value / limit)))
    cv2.rectangle(picture, (left, y + 3), (right, y + LINE - 4), (225, 225, 225), -1)
    cv2.rectangle(picture, (min(middle, end), y + 3), (max(middle, end), y + LINE - 4), colour, -1)
    cv2.line(picture, (middle, y + 2), (middle, y + LINE - 3), GREY, 1)
    if mark is not None:
        at = middle + round(half * max(-1.0, min(1.0, mark / limit)))
        cv2.line(picture, (at, y + 1), (at, y + LINE - 2), DARK, 2)
    _text(picture, f"{value:.2f}", (right + 6, y + LINE - 5))
    return y + LINE


def _experts(picture: Picture, y: int, weights: Sequence[float]) -> None:
    height = min(60, picture.shape[0] - y - LINE)
    if height < 8:
        return
    _text(picture, "experts", (6, y + LINE - 5))
    width = (PANEL - 12) // len(weights)
    for i, weight in enumerate(weights):
        left, bottom = 6 + i * width, y + LINE + height
        top = bottom - round(height * max(0.0, min(1.0, weight)))
        cv2.rectangle(picture, (left, top), (left + width - 2, bottom - 1), ORANGE, -1)
    cv2.line(picture, (6, y + LINE + height - 1), (PANEL - 6, y + LINE + height - 1), GREY, 1)


def _text(
    picture: Picture, text: str, at: tuple[int, int], colour: tuple[int, int, int] = DARK
) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
