"""Draws the pictures of cable_routing.md: an episode, and the visual randomization of twelve seeds.

Run from the top of the tree after `make build`: python docs/draw_cable_routing.py
"""

from __future__ import annotations

import numpy as np
from pictures import captioned, enlarged, grid, newest, save, starts

from mentor_sim_bridge.twins.cable.env import CableRoutingEnv

SEED = 4


def episode(env: CableRoutingEnv) -> None:
    """Draw an expert's episode: reset, slot 1 filled, on the way to slot 2, success."""
    observation, _ = env.reset(seed=SEED)
    rows = [captioned(enlarged(newest(observation)), "reset: side, slot_1, slot_2")]
    filled = crossing = over = False
    step = 0
    while not over:
        step += 1
        observation, reward, _, over, info = env.step(env.expert_action())
        if info["slot_1"] == 3 and not filled:
            filled = True
            text = f"step {step}: slot 1 holds the cable, reward {reward:.0f}"
            rows.append(captioned(enlarged(newest(observation)), text))
        elif info["slot_1"] == 3 and info["slot_2"] in (3, 4) and not crossing:
            crossing = True
            text = f"step {step}: mid-episode, crossing to slot 2, reward {reward:.0f}"
            rows.append(captioned(enlarged(newest(observation)), text))
    assert info["success"], "the expert failed on this seed; choose another"
    rows.append(
        captioned(enlarged(newest(observation)), f"step {step}: success, reward {reward:.0f}")
    )
    save("cable_routing_episode.png", np.vstack(rows))


if __name__ == "__main__":
    cell = CableRoutingEnv()
    episode(cell)
    save("cable_routing_visuals.png", grid(starts(cell)))
    cell.close()
