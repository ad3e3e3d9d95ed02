"""Draws the pictures of tabletop_golf.md: an episode, the court cameras, twelve visual draws.

Run from the top of the tree after `make build`: python docs/draw_tabletop_golf.py
"""

from __future__ import annotations

import cv2
import numpy as np
from pictures import captioned, enlarged, grid, newest, save, starts

from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_reward.tracker.court_camera import CourtCamera, court_outline, load_marks
from mentor_sim_bridge.twins.golf.env import GolfEnv

SEED = 4
GREEN = (60, 255, 60)


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
    unseen = starts(env, disturbance="unseen_visuals")[10:]
    save("tabletop_golf_visuals.png", grid(starts(env, 10) + unseen))


if __name__ == "__main__":
    cell = GolfEnv()
    episode(cell)
    court_cameras(cell)
    visuals(cell)
    cell.close()
