"""From messages to rewards, whatever the task: what is needed, missing, refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from task_node import TASK

from mentor_common.messages.experience import action_message, observation_message
from mentor_common.tasks.cameras import Camera, Crop
from mentor_common.tasks.reward_model import RewardNeeds, StampedImage, StepReward
from mentor_msgs.msg import EpisodeStart, GroundTruth, Motion
from mentor_reward.steps.episode_rewards import EpisodeRewards
from mentor_reward.steps.step_reader import StepReader

SECOND = 1_000_000_000
COURT = Camera("court", 640, 480, 30.0, False, True, 0.1, Crop(80, 0, 480, 480))
COURT_TASK = replace(TASK, cameras=(*TASK.cameras, COURT))


def motion(step, episode=1, **fields):
    """A motion that ended at ``step`` seconds."""
    times = {"begin": Time(sec=max(step - 1, 0)), "end": Time(sec=step)}
    return Motion(episode=episode, step=step, normalized=[0.25, -0.5], **times, **fields)


def observation(step, episode=1, pixels=None):
    shown = np.zeros(TASK.layout.shape, np.uint8) if pixels is None else pixels
    return observation_message(shown, TASK.layout, episode, step, Time(sec=step))


def court_image(seconds, value=0):
    return StampedImage(round(seconds * SECOND), np.full((168, 168, 3), value, np.uint8))


def reader(**needs):
    """A reader for which history is over."""
    steps = fresh_reader(**needs)
    steps.add_motion(motion(0, episode=77), -9.0)
    steps.add_observation(observation(0, episode=77), -9.0)
    steps.collect(-5.0)
    return steps


def fresh_reader(**needs):
    return StepReader(COURT_TASK, RewardNeeds(**needs), timeout=2.0)


def test_the_newest_frame_of_each_camera_reaches_the_reward():
    pixels = np.arange(27, dtype=np.uint8)[:, None, None] + np.zeros((27, 84, 84), np.uint8)
    steps = reader()
    steps.add_motion(motion(1), 0.0)
    steps.add_observation(observation(1, pixels=pixels), 0.0)
    (step,) = steps.collect(0.0)
    found = {name: frame[40, 40].tolist() for name, frame in step.inputs.frames.items()}
    assert found == {"side": [6, 7, 8], "slot_1": [15, 16, 17], "slot_2": [24, 25, 26]}
    assert all(frame.shape == (84, 84, 3) for frame in step.inputs.frames.values())


def test_pose_times_and_clipping_reach_the_reward():
    steps = reader()
    steps.add_motion(motion(3, clipped=True), 0.0)
    steps.add_observation(observation(3), 0.0)
    (step,) = steps.collect(0.0)
    assert step.inputs.pose.tolist() == [0.25, -0.5] and step.inputs.clipped
    assert (step.inputs.begin, step.inputs.end) == (2 * SECOND, 3 * SECOND)


@pytest.mark.parametrize("late", ["motion", "observation", "action", "truth", "start"])
def test_a_step_waits_for_all_that_is_needed_in_whatever_order_it_comes(late):
    steps = reader(action=True, ground_truth=True, episode_start=True)
    truth = GroundTruth(episode=1, step=1, names=["depth"], values=[0.02])
    start = EpisodeStart(episode=1, seeded=True, seed=9, option_names=["peg"])
    start.option_values = ['"star"']
    add = {
        "start": lambda: steps.add_episode_start(start, 0.0),
        "action": lambda: steps.add_action(action_message([0.5, 1.0], 1, 0, Time()), 0.0),
        "motion": lambda: steps.add_motion(motion(1), 0.0),
        "observation": lambda: steps.add_observation(observation(1), 0.0),
        "truth": lambda: steps.add_ground_truth(truth, 0.0),
    }
    last = add.pop(late)
    for one in add.values():
        one()
    assert steps.collect(0.0) == []
    last()
    (step,) = steps.collect(0.0)
    assert step.inputs.action.tolist() == [0.5, 1.0]
    assert step.inputs.ground_truth == {"depth": 0.02}
    assert (step.info.seed, step.info.options) == (9, {"peg": "star"})


def test_what_is_missing_is_named_with_who_should_have_published_it():
    steps = reader(action=True, cameras=("court",))
    steps.add_motion(motion(1), 0.0)
    assert steps.collect(1.9) == []
    (step,) = steps.collect(2.0)
    assert step.inputs is None
    for part in (
        "no observation from the stacker",
        "no action from the agent",
        "no image of camera 'court'",
    ):
        assert f"{part} in 2 s" in step.reason


def stream(steps, episode, numbers, now=0.0, acted=True):
    for number in numbers:
        steps.add_observation(observation(number, episode), now)
        steps.add_motion(motion(number, episode), now)
        if acted:
            steps.add_action(action_message([0.0, 0.0], episode, number, Time()), now)


def numbers(read):
    return [(step.motion.episode, step.motion.step) for step in read]


def test_a_reader_that_is_started_again_reads_only_the_step_that_an_agent_waits_for():
    steps = fresh_reader()
    stream(steps, 1, range(5))
    stream(steps, 2, range(3))
    stream(steps, 2, [3], acted=False)
    assert steps.collect(0.1) == [], "more history may come"
    assert numbers(steps.collect(0.4)) == [(2, 3)]
    for episode, number in ((2, 4), (3, 0), (2, 2), (1, 4)):  # the last two had their rewards
        stream(steps, episode, [number], now=1.0)
    assert numbers(steps.collect(1.0)) == [(2, 4), (3, 0)]


def test_a_step_of_history_that_was_answered_or_is_not_whole_never_is_called_invalid():
    answered, torn = fresh_reader(), fresh_reader()
    stream(answered, 1, range(4))
    torn.add_motion(motion(3), 0.0)
    torn.add_motion(motion(4, failed=True), 0.0)
    assert torn.finish(1, 4, "failed") is None
    for steps in (answered, torn):
        assert steps.collect(0.4) == [] == steps.collect(9.0)
        stream(steps, 1, [5], now=9.0)
        assert numbers(steps.collect(9.0)) == [(1, 5)]


def test_history_that_comes_late_from_one_publisher_is_history_all_the_same():
    steps = fresh_reader()
    for number in range(4):
        steps.add_motion(motion(number), 0.0)
    assert steps.collect(0.4) == []
    for number in range(4):
        steps.add_observation(observation(number), 0.6)
    assert numbers(steps.collect(0.6)) == [(1, 3)]
    assert steps.collect(9.0) == []


def test_the_newest_step_of_history_waits_for_a_publisher_that_is_found_late():
    steps = fresh_reader()
    for number in range(4):
        steps.add_observation(observation(number), 0.0)
    assert steps.collect(0.4) == [] == steps.collect(5.0)
    for number in range(4):
        steps.add_motion(motion(number), 9.0)  # long after the time of a step
    assert numbers(steps.collect(9.0)) == [(1, 3)]


def test_the_time_of_a_step_begins_with_its_motion():
    steps = reader(ground_truth=True)
    steps.add_observation(observation(1), 0.0)
    assert steps.collect(5.0) == []
    steps.add_motion(motion(1), 5.0)
    assert steps.collect(6.9) == []
    (step,) = steps.collect(7.1)
    assert step.reason == "no ground truth from the twin in 2 s"


def test_an_answer_that_is_found_late_tells_that_the_newest_step_had_its_reward():
    steps = fresh_reader()
    steps.add_observation(observation(3), 0.0)
    assert steps.collect(0.4) == []
    steps.add_action(action_message([0.0, 0.0], 1, 3, Time()), 1.0)
    steps.add_motion(motion(3), 1.1)
    assert steps.collect(1.1) == [] == steps.collect(99.0)


def test_history_is_not_over_before_every_topic_has_its_publisher():
    found = False
    steps = StepReader(COURT_TASK, RewardNeeds(), timeout=2.0, matched=lambda: found)
    stream(steps, 1, [3], acted=False)
    assert steps.collect(1.0) == [], "an action may still come"
    found = True
    assert numbers(steps.collect(1.1)) == [(1, 3)]


def test_a_stream_without_a_pause_is_not_taken_for_history_for_ever():
    steps = fresh_reader()
    for number in range(30):
        stream(steps, 1, [number], now=0.1 * number)
        found = numbers(steps.collect(0.1 * number))
        assert found == ([(1, number)] if number > 20 else [])


def test_what_comes_of_a_step_without_a_motion_is_dropped():
    steps = reader(ground_truth=True)
    steps.add_observation(observation(1), 0.0)
    steps.add_ground_truth(GroundTruth(episode=1, step=1), 0.0)
    assert steps.collect(100.0) == [] and not steps.waiting


def test_images_of_reward_only_cameras_are_those_since_the_last_step_and_cropped():
    steps = reader(cameras=("court",))
    for step in (1, 2):
        steps.add_motion(motion(step), 0.0)
        steps.add_observation(observation(step), 0.0)
    for seconds in (0.9, 1.0, 1.4, 1.8):
        steps.add_image("court", court_image(seconds), 0.0)
    (first,) = steps.collect(0.0)
    assert [image.stamp / SECOND for image in first.inputs.images["court"]] == [1.0]
    whole = np.zeros((480, 640, 3), np.uint8)
    whole[:, 80:560] = 7
    steps.add_image("court", StampedImage(round(2.03 * SECOND), whole), 0.0)
    (second,) = steps.collect(0.0)
    images = second.inputs.images["court"]
    assert [image.stamp / SECOND for image in images] == [1.4, 1.8, 2.03]
    assert images[-1].pixels.shape == (480, 480, 3) and images[-1].pixels.min() == 7


def test_an_image_that_is_too_far_from_the_end_of_the_motion_is_missing():
    steps = reader(cameras=("court",))
    steps.add_motion(motion(2), 0.0)
    steps.add_observation(observation(2), 0.0)
    steps.add_image("court", court_image(1.95), 0.0)
    assert steps.collect(0.0) == [], "a better image may still come"
    (step,) = steps.collect(2.0)
    assert [image.stamp / SECOND for image in step.inputs.images["court"]] == [1.95]
    steps.add_motion(motion(3), 3.0)
    steps.add_observation(observation(3), 3.0)
    steps.add_image("court", court_image(3.2), 3.0)
    (step,) = steps.collect(9.0)
    assert step.inputs is None and "camera 'court'" in step.reason


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Motion(episode=1, step=1, normalized=[0.0]), "needs a finite number for each axis"),
        (
            Motion(episode=1, step=1, normalized=[math.nan, 0.0]),
            "needs a finite number for each axis",
        ),
        (Motion(episode=1, step=1, end=Time(nanosec=2**32 - 1)), "4294967295 nanoseconds, must"),
        (action_message([0.0], 1, 0, Time()), "2 numbers needed"),
        (action_message([math.inf, 0.0], 1, 0, Time()), "2 numbers needed"),
        (GroundTruth(names=["a"], values=[]), "1 names"),
        (GroundTruth(names=["a"], values=[math.nan]), "nan"),
        (EpisodeStart(start=[0.0]), "start"),
        (EpisodeStart(window_offset=[math.nan, 0.0]), "window offset"),
        (EpisodeStart(option_names=["a"], option_values=["{"]), "no JSON"),
        (EpisodeStart(option_names=["a"], option_values=["[" * 100_000]), "no JSON"),
        (EpisodeStart(option_names=["a"], option_values=[]), "one value for each option"),
    ],
)
def test_a_message_that_contradicts_the_task_is_refused_and_the_right_one_still_counts(
    message, said
):
    steps = reader(action=True)
    add = {
        "Motion": steps.add_motion,
        "Action": steps.add_action,
        "GroundTruth": steps.add_ground_truth,
        "EpisodeStart": steps.add_episode_start,
    }[type(message).__name__]
    with pytest.raises(ValueError, match=said):  # Refused, or ExperienceError
        add(message, 0.0)
    steps.add_action(action_message([0.0, 0.0], 1, 0, Time()), 0.0)
    steps.add_motion(motion(1), 0.0)
    steps.add_observation(observation(1), 0.0)
    assert steps.collect(0.0)[0].inputs is not None


def test_a_reward_that_needs_a_camera_which_the_task_lacks_is_refused_by_name():
    with pytest.raises(ValueError, match=r"needs images of \['court'\], but only"):
        StepReader(TASK, RewardNeeds(cameras=("court",)), 2.0)


class Model:
    """A reward that remembers what it was given."""

    needs = RewardNeeds()

    def __init__(self, reward=None, error=None) -> None:
        self.reward, self.error, self.begun = reward or StepReward(1.5), error, []

    def begin_episode(self, episode, inputs):
        self.begun.append((episode.episode, None if inputs is None else inputs.step))

    def compute(self, step):
        if self.error:
            raise self.error
        return self.reward


def computed(model, *numbers, max_steps=40):
    steps, rewards, found = reader(), EpisodeRewards(model, max_steps), []
    for episode, step in numbers:
        steps.add_motion(motion(step, episode), 0.0)
        steps.add_observation(observation(step, episode), 0.0)
        found += [rewards.compute(read) for read in steps.collect(0.0)]
    return found


def test_a_reset_has_no_reward_but_begins_the_episode_with_what_it_shows():
    model = Model()
    first, second = computed(model, (1, 0), (1, 1))
    assert first is None and second.reward.value == 1.5
    assert computed(model, (2, 5)) and model.begun == [(1, 0), (2, None)]


def test_an_episode_is_truncated_at_its_last_step_and_not_before():
    before, last = computed(Model(), (1, 39), (1, 40))
    assert not before.truncated and last.truncated and last.reward.valid


def test_a_terminal_state_at_the_last_step_is_no_truncation():
    (last,) = computed(Model(StepReward(0.0, terminated=True)), (1, 40))
    assert last.reward.terminated and not last.truncated


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Model(error=ValueError("the ball is lost")), "the ball is lost"),
        (Model(StepReward(math.nan)), "value is not finite"),
        (Model(StepReward(1.0, {"ball": math.inf})), "ball is not finite"),
    ],
)
def test_what_is_no_reward_cuts_the_episode_and_is_not_learned_from(model, reason):
    (last,) = computed(model, (1, 3))
    assert last.truncated and not last.reward.valid and reason in last.reward.reason
    assert last.reward.value == 0.0 and not last.reward.success
