"""Stacks, n-step returns and discounts, against what is computed from whole episodes by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mentor_common.messages.frames import FrameLayout
from mentor_policy.replay import ReplayError, ReplayRing, RingHeader, Step
from mentor_policy.replay.prefetch import Prefetcher
from mentor_policy.replay.sampler import Sampler

GAMMA = 0.9
LAYOUTS = [
    FrameLayout(("a",), 3, 12, 10, True),
    FrameLayout(("a", "b"), 3, 12, 10, True),
    FrameLayout(("a", "b"), 3, 12, 10, False),
    FrameLayout(("a",), 1, 12, 10, True),
]


def ring_of(folder: Path, layout: FrameLayout, capacity: int = 60, state_size: int = 2):
    header = RingHeader(layout, 2, state_size, capacity, 8)
    return ReplayRing(folder / "ring", header)


def episode(rng, layout, number, length, terminated=False, ended=True, invalid=()):
    """One episode as a list of steps; its observations obey the layout."""
    cameras = len(layout.cameras)
    size = (cameras, layout.frames, 3, layout.height, layout.width)
    frames = rng.integers(0, 256, size, dtype=np.uint8)
    if layout.stacked:
        frames[:] = frames[:, :1]
    steps = []
    for step in range(length + 1):
        if step and layout.stacked:
            fresh = rng.integers(0, 256, (cameras, 1, *size[2:]), dtype=np.uint8)
            frames = np.concatenate([frames[:, 1:], fresh], axis=1)
        elif step:
            frames = rng.integers(0, 256, size, dtype=np.uint8)
        last = ended and step == length
        steps.append(
            Step(
                number,
                step,
                frames.reshape(layout.shape).copy(),
                rng.uniform(-1, 1, 2).astype(np.float32) if step else None,
                float(rng.normal()) if step else 0.0,
                terminated=last and terminated,
                truncated=last and not terminated,
                valid=step not in invalid,
                state=rng.normal(size=2).astype(np.float32),
            )
        )
    return steps


def expected(steps, start, n, ongoing):
    """Return, discount, m and the step bootstrapped from, read off the paper; None: not sampled."""
    total, m = 0.0, 0
    while m < n and start + m + 1 < len(steps):
        step = steps[start + m + 1]
        if not step.valid:
            break
        total += GAMMA**m * step.reward
        m += 1
    reached_end = start + m == len(steps) - 1
    if m == 0 or (m < n and reached_end and ongoing):
        return None
    end = steps[start + m]
    return total, 0.0 if end.terminated else GAMMA**m, m


@pytest.mark.parametrize("layout", LAYOUTS, ids=["stacked", "two cameras", "blocks", "one frame"])
def test_batches_are_what_the_episodes_say(layout: FrameLayout, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ring = ring_of(tmp_path, layout)
    episodes = {
        1: episode(rng, layout, 1, 7, terminated=True),
        2: episode(rng, layout, 2, 9),
        5: episode(rng, layout, 5, 2),
        6: episode(rng, layout, 6, 8, invalid=(4,)),
        7: episode(rng, layout, 7, 6, ended=False),  # broken off: another one follows
        8: episode(rng, layout, 8, 5, ended=False),  # still going on
    }
    for steps in episodes.values():
        for step in steps:
            assert ring.append(step)
    sampler = Sampler(ring, batch_size=64, n_step=3, gamma=GAMMA, seed=1)
    seen = set()
    for update in range(40):
        numbers, _ = sampler.starts(update, ring.count)
        batch = sampler.batch(update, ring.count)
        for row, number in enumerate(numbers):
            record = ring.records[ring.slot(int(number))]
            steps, start = episodes[int(record["episode"])], int(record["step"])
            wanted = expected(steps, start, 3, ongoing=int(record["episode"]) == 8)
            assert wanted is not None
            total, discount, m = wanted
            seen.add((int(record["episode"]), start))
            assert np.array_equal(batch.obs[row].numpy(), steps[start].obs)
            assert np.array_equal(batch.next_obs[row].numpy(), steps[start + m].obs)
            assert batch.reward[row, 0].item() == pytest.approx(total, abs=1e-6)
            assert batch.discount[row, 0].item() == pytest.approx(discount)
            assert np.array_equal(batch.action[row].numpy(), steps[start + 1].action)
            assert batch.actions_mask[row].tolist() == [i < m for i in range(3)]
            for i in range(3):
                action = steps[start + 1 + i].action if i < m else np.zeros(2)
                assert np.array_equal(batch.actions[row, i].numpy(), action)
            assert np.array_equal(batch.state[row].numpy(), steps[start].state)
            assert np.array_equal(batch.next_state[row].numpy(), steps[start + m].state)
    possible = {
        (e, s)
        for e, steps in episodes.items()
        for s in range(len(steps) - 1)
        if expected(steps, s, 3, ongoing=e == 8) is not None
    }
    assert seen == possible
    assert batch.obs.permute(0, 2, 3, 1).is_contiguous()
    assert batch.obs.dtype == torch.uint8


def test_rewards_are_scaled_when_they_are_learned_from_and_nowhere_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ring = ring_of(tmp_path, LAYOUTS[0], capacity=100)
    for step in episode(rng, LAYOUTS[0], 1, 20):
        ring.append(step)
    settings = {"batch_size": 8, "n_step": 3, "gamma": GAMMA, "seed": 1}
    plain = Sampler(ring, **settings).batch(0, ring.count)
    scaled = Sampler(ring, **settings, reward_scale=0.1).batch(0, ring.count)
    assert torch.allclose(scaled.reward, 0.1 * plain.reward)
    assert torch.equal(scaled.discount, plain.discount)


def test_an_offset_is_added_to_each_of_the_rewards_that_are_summed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ring = ring_of(tmp_path, LAYOUTS[0], capacity=100)
    for step in episode(rng, LAYOUTS[0], 1, 20):
        ring.append(step)
    settings = {"batch_size": 32, "n_step": 3, "gamma": GAMMA, "seed": 1, "reward_scale": 0.1}
    sampler = Sampler(ring, **settings)
    plain = sampler.batch(0, ring.count)
    moved = Sampler(ring, **settings, reward_offset=-15.0).batch(0, ring.count)
    length = sampler.starts(0, ring.count)[1]
    summed = torch.tensor([sum(GAMMA**k for k in range(n)) for n in length.tolist()])
    assert set(length.tolist()) > {3}, "an episode's last steps are shorter"
    expected = plain.reward - 1.5 * summed.to(plain.reward.dtype)[:, None]
    assert torch.allclose(moved.reward, expected, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS[:3], ids=["stacked", "two cameras", "blocks"])
def test_a_ring_that_went_round_gives_only_whole_stacks(layout, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ring = ring_of(tmp_path, layout, capacity=21)
    episodes = {}
    for number in range(30):
        episodes[number] = episode(rng, layout, number, int(rng.integers(1, 12)))
        for step in episodes[number]:
            ring.append(step)
        sampler = Sampler(ring, batch_size=32, n_step=3, gamma=GAMMA, seed=1)
        if ring.count < 4:
            continue
        numbers, reach = sampler.starts(number, ring.count)
        batch = sampler.batch(number, ring.count)
        for row, start in enumerate(numbers):
            assert start >= ring.count - 21
            record = ring.records[ring.slot(int(start))]
            steps, step = episodes[int(record["episode"])], int(record["step"])
            assert np.array_equal(batch.obs[row].numpy(), steps[step].obs)
            assert np.array_equal(batch.next_obs[row].numpy(), steps[step + reach[row]].obs)


def test_a_ring_smaller_than_one_transition_says_that_there_is_nothing_to_learn(tmp_path) -> None:
    ring = ring_of(tmp_path, LAYOUTS[0])
    sampler = Sampler(ring, batch_size=4, n_step=3, gamma=GAMMA, seed=1)
    with pytest.raises(ReplayError, match="no transition to learn from yet"):
        sampler.batch(0, ring.count)


def test_a_batch_depends_on_the_order_of_calls_and_not_on_speed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layout = LAYOUTS[0]
    steps = [s for e in range(8) for s in episode(rng, layout, e, 6)]
    batches = []
    for turn in range(2):
        ring = ring_of(tmp_path / str(turn), layout)
        prefetcher = Prefetcher(Sampler(ring, batch_size=16, n_step=3, gamma=GAMMA, seed=5))
        drawn = []
        for index, step in enumerate(steps):
            ring.append(step)
            if index >= 20:
                if turn:  # let the background finish before more comes in
                    prefetcher._worker.submit(lambda: None).result()
                batch = prefetcher.batch(index - 20)
                drawn.append((batch.obs.clone(), batch.reward))
        batches.append(drawn)
        prefetcher.close()
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_another_seed_draws_other_transitions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ring = ring_of(tmp_path, LAYOUTS[0])
    for step in episode(rng, LAYOUTS[0], 1, 40):
        ring.append(step)
    drawn = [
        Sampler(ring, batch_size=16, n_step=3, gamma=GAMMA, seed=seed).starts(0, ring.count)[0]
        for seed in (1, 2)
    ]
    assert not np.array_equal(*drawn)
