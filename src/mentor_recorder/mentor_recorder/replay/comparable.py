"""What of a bag can be compared, and why the rest cannot."""

from __future__ import annotations

from mentor_common.tasks.task import Task
from mentor_recorder.bags.cell_checks import recorded_task
from mentor_recorder.bags.summary import RECORD
from mentor_recorder.replay.feed import Feed


def why_not_compared(feed: Feed) -> dict[str, str]:
    """Return for observation, reward and action why the bag does not allow to compare them.

    Returns:
        Reasons by relative topic name; empty where nothing is in the way.
    """
    reasons = dict.fromkeys(("observation", "reward", "action"), "")
    if not feed.count("motion"):
        reasons["observation"] = reasons["reward"] = "the bag has no motions"
    elif not feed.observed_images <= feed.images:
        reasons["observation"] = "the bag has no camera images: record:=full has them"
    missing = _unrecorded_reward_images(feed)
    if missing and not reasons["reward"]:
        reasons["reward"] = f"the bag has no {', '.join(missing)}: record:=full has them"
    for name in reasons:
        if not feed.count(name):
            reasons[name] = f"the bag has no {name}"
    return reasons


def _unrecorded_reward_images(feed: Feed) -> list[str]:
    """Return the images that the reward needs besides the observation and that the bag lacks."""
    task = recorded_task(feed.bag)
    if task is None or _states(feed) != "sensors":
        return []
    return [name for name in _reward_images(task) if name not in feed.images]


def _reward_images(task: Task) -> list[str]:
    names = [name for name in task.rewarded_cameras if name not in task.observed_cameras]
    return [f"camera/{name}/color/image_raw" for name in names]


def _states(feed: Feed) -> str:
    """Return what the recorded reward was computed from."""
    parameters = feed.bag.record(RECORD, "parameters") or {}
    for node, values in parameters.items():
        if node.rpartition("/")[2] == "reward":
            return str(values.get("states", ""))
    return ""
