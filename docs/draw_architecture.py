"""Draw docs/architecture.png: the three paths through the code, file by file.

python docs/draw_architecture.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK, GREY, PAPER = "#1f2933", "#5a6673", "#ffffff"
TOPIC, COMMON, CAMERA, POLICY, ARM = "#ffffff", "#e9edf1", "#d5efdc", "#ead9f2", "#cfe3f5"
WIDTH, HEIGHT, STEP = 2.35, 1.05, 2.75


@dataclass(frozen=True)
class Stop:
    """One stop of a path: what happens there, in which file, and the colour of its package."""

    text: str
    file: str
    colour: str


PATHS: tuple[tuple[str, tuple[Stop, ...]], ...] = (
    (
        "a frame becomes an observation",
        (
            Stop("camera or twin\npublishes an image", "camera/<name>/color/image_raw", TOPIC),
            Stop("decode; crop to the\nregion of interest",
                 "messages/image_reader.py\ntasks/cameras.py", COMMON),
            Stop("scale to 84x84; keep\nthe newest frames",
                 "stacking/stacker.py\nstacking/frame_ring.py", CAMERA),
            Stop("pick start, midpoint\nand end of the motion", "stacking/stacker.py", CAMERA),
            Stop("publish the stack", "observation", TOPIC),
        ),
    ),
    (
        "a step becomes a transition",
        (
            Stop("observation and\nreward arrive", "observation  reward", TOPIC),
            Stop("join by episode\nand step", "messages/join.py", COMMON),
            Stop("return the step\nof the environment",
                 "env/awaited_step.py\nenv/ros_env.py", COMMON),
            Stop(
                "roll out; store\nthe step",
                "training/rollout.py\ntrainer.py  replay/ring.py",
                POLICY,
            ),
            Stop("put n-step\ntransitions together", "replay/sampler.py", POLICY),
        ),
    ),
    (
        "an action becomes a motion",
        (
            Stop("choose and publish", "training/choosing.py\nenv/ros_env.py", POLICY),
            Stop("check episode, step,\nage and numbers",
                 "arm/arm_node_base.py\narm/command.py", COMMON),
            Stop("clip to limits\nand window", "arm/step_server.py\narm/arm.py", COMMON),
            Stop("follow the trajectory", "backends/ of mentor_arm,\nor a twin", ARM),
            Stop("publish start, end,\nclipped, failed", "motion", TOPIC),
        ),
    ),
)  # fmt: skip


def draw_stop(axes: Axes, stop: Stop, x: float, y: float) -> None:
    """Draw one stop, centred at (x, y)."""
    topic = stop.colour == TOPIC
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0.03,rounding_size=0.1",
            facecolor=stop.colour,
            edgecolor=INK,
            linewidth=1.2,
            linestyle="--" if topic else "-",
        )
    )
    axes.text(x, y + 0.2, stop.text, fontsize=9.5, color=INK, ha="center", va="center")
    centred = {"ha": "center", "va": "center"}
    axes.text(x, y - 0.3, stop.file, fontsize=7.4, family="monospace", color=GREY, **centred)


def draw_path(axes: Axes, title: str, stops: tuple[Stop, ...], y: float) -> None:
    """Draw one path from left to right."""
    axes.text(0.05, y + 0.78, title, fontsize=11.5, color=INK, weight="bold")
    for number, stop in enumerate(stops):
        x = WIDTH / 2 + 0.1 + number * STEP
        draw_stop(axes, stop, x, y)
        if number:
            axes.add_patch(
                FancyArrowPatch(
                    (x - STEP + WIDTH / 2 + 0.04, y),
                    (x - WIDTH / 2 - 0.04, y),
                    arrowstyle="-|>",
                    mutation_scale=13,
                    linewidth=1.3,
                    color=INK,
                )
            )


def main() -> None:
    """Write the picture beside this script."""
    figure, axes = plt.subplots(figsize=(13, 5.6), facecolor=PAPER)
    for number, (title, stops) in enumerate(PATHS):
        draw_path(axes, title, stops, 4.4 - 1.95 * number)
    legend = (
        ("topic", TOPIC),
        ("mentor_common", COMMON),
        ("mentor_camera", CAMERA),
        ("mentor_policy", POLICY),
        ("mentor_arm or mentor_sim_bridge", ARM),
    )
    x = 0.1
    for text, colour in legend:
        axes.add_patch(
            FancyBboxPatch(
                (x, -0.62), 0.28, 0.2, boxstyle="round,pad=0.02", facecolor=colour, edgecolor=INK,
                linestyle="--" if colour == TOPIC else "-",
            )
        )  # fmt: skip
        axes.text(x + 0.4, -0.52, text, fontsize=9, va="center", color=INK)
        x += 0.75 + 0.115 * len(text)
    axes.set_xlim(0, 5 * STEP - 0.2)
    axes.set_ylim(-0.8, 5.5)
    axes.set_aspect("equal")
    axes.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(Path(__file__).with_name("architecture.png"), dpi=105)


if __name__ == "__main__":
    main()
