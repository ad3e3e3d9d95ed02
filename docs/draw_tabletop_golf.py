"""Draws the pictures of tabletop_golf.md: an episode, the court cameras, twelve visual draws.

Run from the top of the tree after `make build`: python docs/draw_tabletop_golf.py
"""

from __future__ import annotations

import cv2
import numpy as np
from draw_cable_routing import captioned, enlarged, save

from mentor_common.messages.images import resize
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_reward.tracker.court_camera import CourtCamera, court_outline, load_marks
from mentor_sim_bridge.twins.golf.env import GolfEnv

SEED = 4
GREEN = (60, 255, 60)


def newest(observation: np.ndarray) -> np.ndarray:
    """Return the newest frame of both cameras side by side, (84, 168, 3)."""
    frames = observation.reshape(2, 3, 3, 84, 84)[:, 2].transpose(0, 2, 3, 1)
    return np.hstack(list(frames))


def episode(env: GolfEnv) -> None:
    """Draw an expert's episode: start, each strike, and the ball in the hole."""
    observation, _ = env.reset(seed=SEED)
    tiles = [captioned(enlarged(newest(observation)), "reset: wrist, side")]
    over, step, reward = False, 0, 0.0
    while not over:
        action = env.expert_action()
        observation, reward, _, over, info = env.step(action)
        step += 1
        if action[3] > 0.0 and info["ball_place"] == 0:
            text = f"step {step}: strike {action[3]:.2f}, reward {reward:.0f}"
            tiles.append(captioned(enlarged(newest(observation)), text))
    assert info["success"], "the expert failed on this seed; choose another"
    text = f"step {step}: in the hole, reward {reward:.0f}"
    tiles.append(captioned(enlarged(newest(observation)), text))
    save("tabletop_golf_episode.png", np.vstack(tiles))


def court_cameras(env: GolfEnv) -> None:
    """Draw what both court cameras see, with the court as their calibration has it."""
    env.reset(seed=SEED)
    court, marks, tiles = golf_reward_of(env.task).court, load_marks(None), []
    for name, each in marks.items():
        image = np.ascontiguousarray(env.simulator.render(name).repeat(2, 0).repeat(2, 1))
        camera = CourtCamera(each, court, name)
        for line in court_outline(court):
            seen = (camera.to_image(line) * image.shape[1::-1]).round().astype(int)
            cv2.polylines(image, [seen.reshape(-1, 1, 2)], True, GREEN, 1)
        tiles.append(captioned(image, name))
    save("tabletop_golf_court.png", np.hstack(tiles))


def visuals(env: GolfEnv) -> None:
    """Draw starts of twelve seeds, and two with what training never sees."""
    tiles = [newest(env.reset(seed=seed)[0]) for seed in range(10)]
    for seed in (10, 11):
        env.reset(seed=seed, options={"disturbance": "unseen_visuals"})
        frames = [resize(env.simulator.render(camera), 84, 84) for camera in ("wrist", "side")]
        tiles.append(np.hstack(frames))
    rows = [np.hstack(tiles[i : i + 3]) for i in range(0, 12, 3)]
    save("tabletop_golf_visuals.png", np.vstack(rows))


if __name__ == "__main__":
    cell = GolfEnv()
    episode(cell)
    court_cameras(cell)
    visuals(cell)
    cell.close()
