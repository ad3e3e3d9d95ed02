"""What learning from bags gives, beside a run that learned in the cell and one from nothing.

RUN is a finished run of the cable cell. The steps of its replay become bags of --steps steps each,
of whole episodes. Then, with one seed:

1. A run learns from the bags alone. Whenever it has done as many updates as RUN had at one of its
   evaluations, it is evaluated, until RUN has had the steps of all bags.
2. The same run then takes --new-steps steps of its own. The bags stand in for the steps without
   updates at the start of a run, so train.seed_frames is 0.
3. A run with the preset's settings takes as many steps from nothing.

Rewards come from the classifiers, success from the ground truth. Whatever was interrupted continues
when the same command is given again.

    python bench/learning/from_bags.py runs/bench_cable_routing/mentor-301
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from task_runs import CELLS
from trainings import evaluations, is_over, train, write_csv

from mentor_common.bags.reader import Bag
from mentor_policy.__main__ import main as policy
from mentor_policy.cli.arguments import configure
from mentor_policy.cli.train import StopOnSignal
from mentor_policy.config import load_config
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import make_environment, shape_of
from mentor_policy.training.evaluation import evaluate, wilson_interval
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.schedule import Schedule
from mentor_policy.training.trainer import Trainer
from mentor_recorder.__main__ import main as recorder

CELL = CELLS["cable_routing"]
EPISODES = 20
"""Episodes of an evaluation, as in the runs of ``make bench-cable``."""
COLUMNS = ("learned from", "steps of bags", "own steps", "updates", "successes", "episodes")


def bags_of(run: Path, folder: Path, bags: int, steps: int) -> list[Path]:
    """Return the bags of a run's first episodes, made if they are not there.

    Args:
        run: folder of the run.
        folder: for the bags.
        bags: how many.
        steps: of each.

    Raises:
        SystemExit: the run has not so many steps, or no episodes of a length that divides them.
    """
    found = [folder / f"bag_{number}" for number in range(bags)]
    whole = folder / "bag_of_the_run"
    if not all((bag / "metadata.yaml").exists() for bag in found):
        shutil.rmtree(folder, ignore_errors=True)
        policy(["bag-from-ring", str(run / "replay"), str(whole)])
        taken = read_csv(run / "train.csv")
        each = steps / taken["length"][0]
        if not each.is_integer() or set(taken["length"]) != {taken["length"][0]}:
            raise SystemExit(f"run {run}: its episodes do not make up {steps} steps")
        for number, bag in enumerate(found):
            first = number * int(each)
            recorder(
                ["cut", str(whole), str(bag), "--episodes", f"{first}-{first + int(each) - 1}"]
            )
        shutil.rmtree(whole)
    counts = [Bag(bag).counts["/reward"] for bag in found]
    if counts != [steps] * bags:
        raise SystemExit(f"bags of {run}: they have {counts} steps instead of {steps} each")
    return found


def learn_from_bags(options: argparse.Namespace, bags: list[Path], goals: list[int]) -> None:
    """Learn from bags, with an evaluation after each of some numbers of updates; then go on.

    Args:
        options: of the command line.
        bags: to learn from.
        goals: numbers of updates, ascending.
    """
    path: Path = options.folder / "bags"
    overrides = [*settings(options), "train.seed_frames=0"]
    config, env, arguments = configure(CELL.sensors, "mentor", CELL.preset, overrides)
    environment = {"id": CELL.sensors, "arguments": arguments}
    evaluation = make_environment(CELL.true, {})
    folder = RunFolder(path, config, environment, shape_of(env))
    table = path / "offline.csv"
    rows = [tuple(map(int, row)) for row in zip(*read_csv(table).values(), strict=True)]
    trainer = None
    try:
        if folder.finished is not None:
            return
        trainer = Trainer(env, folder, evaluation)
        with StopOnSignal(trainer):
            trainer.begin_with(BagSteps(bags), goals[-1])
            for goal in goals[len(rows) :]:
                if not trainer.learn_offline(goal):
                    raise SystemExit("interrupted; the same command continues it")
                agent, seed = trainer.run.agent, options.seed
                found = evaluate(agent, evaluation, EPISODES, seed=seed, step=0)
                rows.append((goal, sum(found.successes), len(found.successes)))
                write_csv(table, ("updates", "successes", "episodes"), rows)
                print(f"{goal} updates on bags: success {found.success:.2f}", flush=True)
            trainer.train()
    finally:
        if trainer is not None:
            trainer.close()
        folder.close()
        env.close()
        evaluation.close()


def settings(options: argparse.Namespace) -> list[str]:
    """Return the settings in which the runs differ from the preset."""
    return [
        *(f"train.frames={options.new_steps}", f"train.eval_every_frames={options.new_steps}"),
        *(f"train.seed={options.seed}", "train.threads=1", f"train.eval_episodes={EPISODES}"),
        "train.video=false",
    ]


def report(options: argparse.Namespace, goals: dict[int, int]) -> None:
    """Write the table of what is there so far, and print it as Markdown.

    Args:
        options: of the command line.
        goals: updates that the run had, by the steps of its evaluations.
    """
    all_steps = options.bags * options.steps
    run, rows = evaluations(options.run), []
    for step, success in zip(run["step"], run["success"], strict=True):
        if int(step) in goals:
            count = round(success * EPISODES)
            rows.append(("the cell", 0, int(step), goals[int(step)], count, EPISODES))
    for updates, count, episodes in zip(
        *read_csv(options.folder / "bags" / "offline.csv").values(), strict=True
    ):
        rows.append(("bags", all_steps, 0, int(updates), int(count), int(episodes)))
    for name, kind, steps in (("bags", "bags and the cell", all_steps), ("nothing", "the cell", 0)):
        folder = options.folder / name
        if is_over(folder):
            found = json.loads((folder / "summary.json").read_text())
            count = round(found["success"] * EPISODES)
            rows.append((kind, steps, found["step"], found["updates"], count, EPISODES))
    write_csv(options.data / "cable_routing_from_bags.csv", COLUMNS, rows)
    print(
        "| " + " | ".join(COLUMNS[:4]) + " | success | 95 % interval |\n|---|---|---|---|---|---|"
    )
    for *row, count, episodes in rows:
        low, high = wilson_interval(count, episodes)
        print(f"| {' | '.join(map(str, row))} | {count / episodes:.2f} | {low:.2f} to {high:.2f} |")


def main() -> None:
    """Make the bags, train what is not trained yet, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, help="folder of a finished run of the cable cell")
    parser.add_argument("--folder", type=Path, default=Path("runs/from_bags"))
    parser.add_argument("--bags", type=int, default=3, help="how many")
    parser.add_argument("--steps", type=int, default=1600, help="of each bag")
    parser.add_argument("--new-steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", type=Path, default=Path("docs/results/data"))
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    options = parser.parse_args()
    schedule = Schedule(load_config("mentor", CELL.preset, []).train)
    goals = {
        int(step): schedule.updates_allowed(int(step))
        for step in evaluations(options.run)["step"]
        if step <= options.bags * options.steps and schedule.updates_allowed(int(step))
    }
    if not options.report_only:
        bags = bags_of(options.run, options.folder / "of_the_run", options.bags, options.steps)
        nothing = options.folder / "nothing"
        if not is_over(nothing):
            command = ["python", "-m", "mentor_policy", "train", "--env", CELL.sensors]
            command += ["--evaluate-in", CELL.true, "--agent", "mentor", "--preset", CELL.preset]
            train([*command, "--run-dir", str(nothing), *settings(options)], nothing, 1)
        learn_from_bags(options, bags, list(goals.values()))
    report(options, goals)


if __name__ == "__main__":
    main()
