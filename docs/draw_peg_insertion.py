"""Draws the pictures of peg_insertion.md: an insertion of each peg, and starts of twelve episodes.

Run from the top of the tree after `make build`: python docs/draw_peg_insertion.py
"""

from __future__ import annotations

import numpy as np
from pictures import captioned, enlarged, grid, newest, save, starts

from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.peg.shapes import PEGS

SEEDS = {"star": 4, "triangle": 5, "arrow": 6}
DONE = 22
"""Steps after which the expert's peg is in."""


def insertion(env: PegInsertionEnv, peg: str) -> np.ndarray:
    """Return an expert's episode: reset, over the socket, inserted; wrist and side camera."""
    observation, _ = env.reset(seed=SEEDS[peg], options={"peg": peg})
    rows = [captioned(enlarged(newest(observation)), f"{peg}: reset, wrist and side")]
    over = False
    for step in range(1, DONE + 1):
        observation, reward, _, _, info = env.step(env.expert_action())
        if info["distance"] < 0.002 and not over:
            over = True
            text = f"step {step}: over the socket, reward {reward:.1f}"
            rows.append(captioned(enlarged(newest(observation)), text))
    assert info["success"], "the expert failed on this seed; choose another"
    text = f"step {step}: {1000 * info['depth']:.0f} mm deep, reward {reward:.1f}"
    return np.vstack([*rows, captioned(enlarged(newest(observation)), text)])


if __name__ == "__main__":
    cell = PegInsertionEnv()
    save("peg_insertion_episodes.png", np.hstack([insertion(cell, peg) for peg in PEGS]))
    save("peg_insertion_starts.png", enlarged(grid(starts(cell)), 2))
    cell.close()
