"""`mentor/cable_routing_snapshots-v0`: many pictures of the physics of the cable cell."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from mentor_common.env.registration import register_environments
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.cable.snapshots import CableSnapshotsEnv

ACTIONS = [(0.9, 0.4), (-0.5, 1.0), (1.0, -1.0)]


@pytest.fixture(scope="module")
def env():
    made = CableSnapshotsEnv()
    yield made
    made.close()


def play(env, seed: int = 5) -> list[dict]:
    """Infos of a few steps, with the joints added."""
    env.reset(seed=seed)
    infos = []
    for action in ACTIONS:
        info = env.step(np.array(action))[-1]
        infos.append({**info, "joints": env.unwrapped.simulator.data.qpos.copy()})
    return infos


def test_new_visuals_leave_the_physics_as_it_is_to_the_last_bit(env):
    plain = CableRoutingEnv()
    try:
        for seen, usual in zip(play(env), play(plain), strict=True):
            assert np.array_equal(seen["joints"], usual["joints"])
            assert seen["slot_1"] == usual["slot_1"] and seen["slot_2"] == usual["slot_2"]
            assert np.array_equal(seen["slot_2_profile"], usual["slot_2_profile"])
    finally:
        plain.close()


def test_each_snapshot_has_the_states_of_its_own_time_and_the_last_those_of_the_end(env):
    info = play(env)[0]
    snapshots = info["snapshots"]
    assert len(snapshots) == 5
    assert np.array_equal(snapshots[-1]["slot_1_profile"], info["slot_1_profile"])
    offsets = [snapshot["slot_2_profile"][0, 4] for snapshot in snapshots]
    assert len(set(offsets)) == 5, "the cable moves between them"


def test_each_snapshot_has_visuals_of_its_own_and_shows_all_cameras(env):
    snapshots = [snapshot for info in play(env) for snapshot in info["snapshots"]]
    for camera in ("side", "slot_1", "slot_2"):
        frames = np.array([snapshot["frames"][camera] for snapshot in snapshots])
        assert frames.shape == (15, 3, 84, 84) and frames.dtype == np.uint8
        tables = {tuple(frame[:, 80, 2]) for frame in frames}
        assert len(tables) > 10, "of the table's colours, hardly two are alike"


def test_the_same_seed_gives_the_same_snapshots_and_another_other_visuals(env):
    def pictures(seed: int) -> np.ndarray:
        return np.array([m["frames"]["slot_2"] for i in play(env, seed) for m in i["snapshots"]])

    first = pictures(5)
    assert not np.array_equal(first, pictures(6))
    assert np.array_equal(first, pictures(5))


def test_after_a_reset_there_are_no_snapshots_and_an_episode_shows_what_the_usual_one_would(env):
    play(env)
    _, info = env.reset(seed=7)
    assert info["snapshots"] == []
    plain = CableRoutingEnv()
    try:
        plain.reset(seed=7)
        assert np.array_equal(env.simulator.render("slot_1"), plain.simulator.render("slot_1"))
    finally:
        plain.close()


def test_masks_cover_cable_and_slots_and_nothing_else_and_change_no_picture(env):
    usual = [snapshot for info in play(env) for snapshot in info["snapshots"]]
    assert all("masks" not in snapshot for snapshot in usual)
    told = CableSnapshotsEnv(masks=True)
    try:
        snapshots = [snapshot for info in play(told) for snapshot in info["snapshots"]]
    finally:
        told.close()
    covered = 0
    for snapshot, other in zip(snapshots, usual, strict=True):
        for camera, frame in snapshot["frames"].items():
            assert np.array_equal(frame, other["frames"][camera])
            (share, slots), pixels = snapshot["masks"][camera], frame.astype(np.int32)
            assert share.shape == slots.shape == (84, 84) and share.dtype == np.uint8
            assert slots.sum() / 255 > 20 and (share.astype(int) + slots <= 260).all()
            if camera == "side":  # to it the cable is a line about a pixel wide
                assert 40 < share.sum() / 255 < 120
                continue
            red = pixels[0] - pixels[1:].max(axis=0)  # of all that is seen, the cable alone is red
            assert (red[share == 255] > 40).mean() > 0.99
            assert (red[share == 0] < 40).mean() > 0.99
            colour = pixels[1:].max(axis=0) - pixels[0]  # the slots alone are blue or green
            assert (colour[slots == 255] > 40).mean() > 0.95
            assert (colour[slots == 0] < 40).mean() > 0.95
            covered += int((share == 255).sum())
    assert covered > 1000


def test_scattered_cameras_see_a_slot_all_over_its_range_and_the_states_stay(env):
    def places(scatter: bool) -> tuple[np.ndarray, list]:
        told = CableSnapshotsEnv(masks=True, scatter=scatter)
        try:
            snapshots = [snapshot for info in play(told) for snapshot in info["snapshots"]]
        finally:
            told.close()
        slots = np.array([snapshot["masks"]["slot_2"][1] for snapshot in snapshots], float)
        middles = (slots.sum(1) * np.arange(84)).sum(1) / slots.sum((1, 2))
        return middles, [snapshot["slot_2_profile"].tolist() for snapshot in snapshots]

    (usual, states), (scattered, same) = places(False), places(True)
    assert states == same
    assert np.ptp(scattered) > 15 > 2 * np.ptp(usual), "pixels"


def test_it_is_registered_and_takes_the_number_of_moments():
    register_environments()
    made = gymnasium.make(
        "mentor/cable_routing_snapshots-v0", snapshots=2, disable_env_checker=True
    )
    try:
        made.reset(seed=0)
        assert len(made.step(np.zeros(2))[-1]["snapshots"]) == 2
    finally:
        made.close()


@pytest.mark.parametrize("snapshots", [0, 26])
def test_more_snapshots_than_a_motion_has_control_intervals_are_refused(snapshots):
    with pytest.raises(ValueError, match="must be from 1 to 25"):
        CableSnapshotsEnv(snapshots=snapshots)
