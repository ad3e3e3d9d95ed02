"""A run that begins with the steps of bags: they fill its replay, or have a share of each batch."""

from __future__ import annotations

from collections.abc import Callable

from mentor_policy.replay import ReplayError
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.training.bag_replay import make_bag_replay, refuse_empty
from mentor_policy.training.run import Run


def begin_with_bags(run: Run, steps: BagSteps) -> None:
    """Give a new run the steps of bags, which do not count as its own.

    With ``train.bag_share`` they get a replay of their own, else they fill the run's. The run
    awaits bags until its first checkpoint: one that was killed before it starts again.

    Args:
        run: with an empty replay.
        steps: of whole episodes, numbered from 0.

    Raises:
        ReplayError: a step does not fit, nothing can be learned from them, or the disk is full.
    """
    folder = run.folder
    folder.awaits_bags.touch()
    if not run.config.train.bag_share:
        for step in steps:
            run.ring.append(step)
        refuse_empty(run.ring, run.config, steps)
        run.counted = run.ring.count
    else:
        if run.bags is not None:
            run.bags.close()
        run.learn_from(make_bag_replay(folder.bag_replay, run.config, run.shape, steps))


def learn_offline(run: Run, wanted: int, go_on: Callable[[], bool], every: float) -> None:
    """Do updates before the first step until so many are done, or none can be.

    Args:
        run: has the steps of its bags.
        wanted: updates, those that were done before an interruption included.
        go_on: asked before each update; False stops.
        every: seconds between two checkpoints, from which a run that was interrupted continues.
    """
    if run.offline_updates >= wanted:
        return
    while run.offline_updates < wanted and go_on() and run.update():
        run.offline_updates += 1
        if run.log_and_save(every):
            run.progress.log(f"{run.offline_updates} of {wanted} updates before the first step")
    run.save()


def refuse_without_bags(run: Run) -> None:
    """Refuse a run that is to learn from bags and has none.

    Raises:
        ReplayError: names the way to give them.
    """
    share, path = run.config.train.bag_share, run.folder.path
    if run.bags is None and share and run.restored:
        raise ReplayError(
            f"run folder {path}: bag_replay is missing, from which train.bag_share={share} of "
            "every batch is drawn; put it back, or choose another run_dir"
        )
    if run.bags is None and share:
        raise ReplayError(f"train.bag_share is {share}, but there are no bags; give --bags BAG...")
    if run.folder.awaits_bags.exists() and not run.restored:
        raise ReplayError(
            f"run folder {path}: the run was interrupted while it learned from bags, before its "
            "first step; give --bags again"
        )
