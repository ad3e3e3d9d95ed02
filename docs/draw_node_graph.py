"""Draw docs/node_graph.png: which node is connected to which, over which topics.

python docs/draw_node_graph.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK, PAPER = "#1f2933", "#ffffff"
ROBOT, STACKER, REWARD, AGENT = "#cfe3f5", "#d5efdc", "#fbe7c6", "#ead9f2"


@dataclass(frozen=True)
class Box:
    """A node: its centre, size and colour."""

    text: str
    x: float
    y: float
    colour: str
    width: float = 2.3
    height: float = 0.95


def draw_box(axes: Axes, box: Box) -> None:
    """Draw a node."""
    axes.add_patch(
        FancyBboxPatch(
            (box.x - box.width / 2, box.y - box.height / 2),
            box.width,
            box.height,
            boxstyle="round,pad=0.04,rounding_size=0.12",
            facecolor=box.colour,
            edgecolor=INK,
            linewidth=1.2,
        )
    )
    axes.text(box.x, box.y, box.text, ha="center", va="center", fontsize=9.5, color=INK)


def draw_arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    text: str,
    at: tuple[float, float],
    bend: float = 0.0,
    dashed: bool = False,
) -> None:
    """Draw a topic (solid) or an action (dashed) from one point to another."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=13,
            linewidth=1.3,
            linestyle="--" if dashed else "-",
            color=INK,
        )
    )
    axes.text(
        *at,
        text,
        fontsize=8,
        family="monospace",
        ha="center",
        va="center",
        color=INK,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
    )


def draw_cell(axes: Axes) -> None:
    """Draw the cell of a real task: every node a process of its own."""
    axes.set_title("a robot task's cell (the main topics)", fontsize=11, loc="left")
    for box in (
        Box("twin, or\narm and cameras", 1.5, 3.0, ROBOT),
        Box("stacker", 6.0, 4.4, STACKER),
        Box("reward", 6.0, 2.6, REWARD),
        Box("reset", 6.0, 0.8, REWARD),
        Box("policy\n(agent, trainer)", 10.6, 3.0, AGENT),
    ):
        draw_box(axes, box)
    draw_arrow(axes, (2.3, 3.55), (4.8, 4.5), "camera/<name>/\ncolor/image_raw", (3.2, 4.45))
    draw_arrow(axes, (2.7, 3.2), (4.8, 4.1), "motion", (3.95, 3.72))
    draw_arrow(axes, (2.7, 2.95), (4.8, 2.7), "motion", (3.75, 2.85))
    draw_arrow(axes, (6.0, 3.87), (6.0, 3.13), "observation", (6.0, 3.5))
    draw_arrow(axes, (7.2, 4.4), (9.6, 3.55), "observation", (8.4, 4.05))
    draw_arrow(axes, (7.2, 2.65), (9.4, 2.9), "reward", (8.3, 2.78))
    draw_arrow(axes, (9.9, 2.47), (7.2, 0.85), "reset_episode", (8.8, 1.6), dashed=True)
    draw_arrow(axes, (4.8, 0.85), (2.2, 2.47), "move_to", (3.5, 1.6), dashed=True)
    draw_arrow(axes, (10.6, 3.53), (1.5, 3.53), "action", (6.05, 5.45), bend=0.42)


def draw_benchmark(axes: Axes) -> None:
    """Draw a benchmark: one node serves as arm, stacker, reward and reset node."""
    axes.set_title("a benchmark task: the bridge serves the whole cell", fontsize=11, loc="left")
    draw_box(axes, Box("benchmark_bridge\n(DMC, Meta-World, Adroit)", 2.4, 1.2, ROBOT, width=3.6))
    draw_box(axes, Box("policy\n(agent, trainer)", 10.6, 1.2, AGENT))
    for y, text in ((1.55, "observation"), (1.2, "reward")):
        draw_arrow(axes, (4.25, y), (9.4, y), text, (6.0, y))
    draw_arrow(axes, (9.4, 0.85), (4.25, 0.85), "reset_episode", (6.0, 0.85), dashed=True)
    draw_arrow(axes, (10.2, 1.73), (3.0, 1.73), "action", (6.6, 2.53), bend=0.22)


def main() -> None:
    """Write the picture beside this script."""
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(10, 7.2), gridspec_kw={"height_ratios": [6.3, 2.7]}, facecolor=PAPER
    )
    draw_cell(upper)
    draw_benchmark(lower)
    for axes, top in ((upper, 6.1), (lower, 2.75)):
        axes.set_xlim(0, 12)
        axes.set_ylim(0.2, top)
        axes.axis("off")
    figure.text(
        0.5,
        0.012,
        "solid: topics    dashed: ROS 2 actions    every node: /diagnostics, lifecycle services",
        ha="center",
        fontsize=8.5,
        color=INK,
    )
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(Path(__file__).with_name("node_graph.png"), dpi=110)


if __name__ == "__main__":
    main()
