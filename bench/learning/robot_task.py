"""Train the agents on one of the robot's tasks, evaluate what they learned, and write the tables.

Every run is one command, printed before it begins, in a folder that is resumed if the script was
interrupted; what is done is not done again. With --continue, a run whose final evaluations are in
the tables is over even if its folder is gone: so a table is completed on another machine, at the
commit at which it was begun.

Final policies are evaluated in episodes that are the same for all runs, undisturbed and with each
disturbance. Rewards come from the task's sensors where it has some in process, success from the
ground truth. Blind runs train on the true reward, which can only help them: with black images, and
with an episode's first observation for ever.

Runs of --presets say what each difference between the task's preset and `robot`, Table 2 of the
paper, is worth: one run for each, with that setting switched back, and one run of `robot` itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from run_tables import Tables
from seed_intervals import over_seeds
from task_runs import AGENTS, CELLS, Cell, Run, runs_of
from trainings import draw_mean, first_and_lasting, train

LABELS = {
    "mentor": "MENTOR",
    "mentor_wo_moe": "MENTOR w/o MoE",
    "mentor_wo_tp": "MENTOR w/o TP",
    "drm": "DrM",
    "mentor, images: blank": "MENTOR, black images",
    "mentor, images: first": "MENTOR, first image only",
}
"""Names of groups of runs in figures; those of the tables are for programs."""


def kind_of(options: argparse.Namespace) -> str:
    """Return how the names of the tables begin."""
    return f"{options.task}{'_presets' if options.presets else ''}"


def disturbances_of(cell: Cell, options: argparse.Namespace) -> tuple[str, ...]:
    """Return what the final policies are evaluated with; none first."""
    return ("none",) if options.presets else ("none", *cell.disturbances)


def report(runs: list[Run], tables: Tables, options: argparse.Namespace) -> None:
    """Evaluate the runs that are over; write the tables, and print them as Markdown."""
    cell, episodes = CELLS[options.task], options.episodes
    disturbances = disturbances_of(cell, options)
    for run in runs:
        tables.add(run, disturbances, episodes)
    tables.write()
    over = [run for run in runs if tables.holds(run)]
    print("| agent | disturbance | runs | success | 95 % interval |\n|---|---|---|---|---|")
    for name in dict.fromkeys(run.name for run in over):
        for disturbance in disturbances:
            found = [row[3] for row in tables.finals if (row[0], row[2]) == (name, disturbance)]
            mean, low, high = over_seeds(found, episodes)
            print(
                f"| {name} | {disturbance} | {len(found)} | {mean:.2f} | {low:.2f} to {high:.2f} |"
            )
    print(f"| agent | seed | first at {cell.wanted:g} | lasting from |\n|---|---|---|---|")
    for run in over:
        seen = tables.seen(run)
        first, lasting = first_and_lasting(seen["step"], seen["success"], cell.wanted)
        print(f"| {run.name} | {run.seed} | {first or 'never'} | {lasting or 'never'} |")
    best = [row[3] / episodes for row in tables.finals if (row[0], row[2]) == ("mentor", "none")]
    if best:
        line = {
            "name": f"{kind_of(options)}/success",
            "value": sum(best) / len(best),
            "unit": "share",
        }
        print(json.dumps({**line, "ratio": None, "against": None}))


def draw(runs: Sequence[Run], tables: Tables, wanted: float, path: Path) -> None:
    """Draw success by the ground truth over the steps, the mean of a group's seeds in bold."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, name in enumerate(dict.fromkeys(run.name for run in runs)):
        found = [tables.seen(run) for run in runs if run.name == name]
        curves = [seen for seen in found if seen["step"]]
        draw_mean(axes, number, LABELS.get(name, name), curves, "success")
    axes.axhline(wanted, color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="environment steps", ylabel="success of 20 episodes", ylim=(-0.03, 1.03))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train what is not trained yet, then evaluate, report and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=CELLS, default="cable_routing")
    parser.add_argument("--folder", type=Path, help="of the runs; default runs/bench_<task>")
    parser.add_argument("--steps", type=int, help="of a run; default is the task's")
    parser.add_argument("--episodes", type=int, default=20, help="of each final evaluation")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time, a core each")
    parser.add_argument("--agents", nargs="*", choices=AGENTS, default=list(AGENTS))
    parser.add_argument("--no-blind", action="store_true", help="leave out the blind runs")
    parser.add_argument("--presets", action="store_true", help="the runs of the presets' table")
    parser.add_argument("--data", type=Path, default=Path("docs/results/data"))
    parser.add_argument(
        "--continue", action="store_true", dest="complete", help="keep the runs in the tables"
    )
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="of every run")
    options = parser.parse_args()
    cell = CELLS[options.task]
    runs = runs_of(cell, options)
    tables = Tables(options.data, kind_of(options), runs if options.complete else [])
    writing = Lock()

    def train_one(run: Run) -> None:
        if not run.is_over:
            if tables.holds(run):
                return
            train(run.command(options.steps or cell.steps, options.overrides), run.folder, 1)
        for disturbance in disturbances_of(cell, options):
            run.evaluate(disturbance, options.episodes)  # kept in the run's folder
        with writing:
            tables.add(run, disturbances_of(cell, options), options.episodes)
            tables.write()

    if not options.report_only:
        with ThreadPoolExecutor(options.parallel) as pool:
            list(pool.map(train_one, runs))
    report(runs, tables, options)
    draw(runs, tables, cell.wanted, runs[0].folder.parent / "success.png")


if __name__ == "__main__":
    main()
