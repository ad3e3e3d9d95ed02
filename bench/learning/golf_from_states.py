"""Tabletop golf learned without images: how much of the task is exploration, how much is seeing.

DrQ-v2's actor and critics learn from the club's pose and the ball's place, with the numbers of the
preset `tabletop_golf` and the overrides given; they are small, and nothing is perturbed. `--blur`
puts the ball off by that many millimetres (more where the club is far) and turns the club, always
alike for one observation: so sees a network that has not learned the images well. `--first-blur` is
added at the start and falls to 1 / e in `--fade` steps.

    python bench/learning/golf_from_states.py --seed 1 agent.learning_rate=4e-4
    python bench/learning/golf_from_states.py --blur 8 --first-blur 80 --fade 2000

One JSON object every 1,200 steps, and one of 20 fresh episodes at the end. A core, ten minutes.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

from mentor_common.tasks.golf_court import BallPlace
from mentor_policy.agents.exploration import CorrelatedNoise, linear_schedule, noisy_action
from mentor_policy.agents.losses import saturation_loss, soft_update
from mentor_policy.config import Config, DrQv2Config, load_config
from mentor_sim_bridge.twins.golf.env import GolfEnv

ACTIONS, STATE, NOISE, FEATURES = 4, 8, 3, 10
"""Numbers in an action; in a state: club (x, y, r), ball (x, y), on the court, in the hole, in the
water; of unit noise that is kept with it; and in what the networks get."""
NEAR, FARTHEST = 0.05, 9.0
"""A ball is off by the blur at the club, by twice the blur NEAR metres away, and so on; at most by
FARTHEST times the blur."""
TURN = 5.0
"""Error of the club's angle, normalised, for each metre of blur."""
HIDDEN = 256
EVALUATE_EVERY = 1200
EVALUATIONS, FRESH = 7000, 8000
"""Seeds of the first episode of each evaluation, and of those at the end."""


@dataclass(frozen=True)
class Blur:
    """Error of the ball's place at the club: metres that last, metres that fade, steps to 1 / e."""

    lasting: float
    first: float
    fade: float

    def at(self, step: int) -> float:
        """Return the error at a step of the training, metres."""
        return self.lasting + self.first * math.exp(-step / self.fade)


class States(gymnasium.Wrapper):
    """The golf cell with its state, and unit noise behind it, in place of images."""

    def __init__(self, env: gymnasium.Env, seed: int) -> None:
        super().__init__(env)
        cell = env.unwrapped
        assert isinstance(cell, GolfEnv)
        self._cell = cell
        self._random = np.random.default_rng(seed)

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; return the state, (STATE + NOISE,), and info."""
        _, info = self.env.reset(**options)
        return self._state(info), info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Make a step."""
        _, reward, terminated, truncated, info = self.env.step(action)
        return self._state(info), float(reward), terminated, truncated, info

    def features(self, states: np.ndarray, blur: float) -> Tensor:
        """Return what a learner sees of states (B, STATE + NOISE): (B, FEATURES)."""
        club, turn, ball = states[:, :2], states[:, 2:3], states[:, 3:5]
        noise = blur * states[:, STATE:]
        away = np.linalg.norm(club - ball, axis=1, keepdims=True)
        ball = ball + noise[:, :2] * np.minimum(1.0 + away / NEAR, FARTHEST)
        inside = self._cell.simulator.court.inside
        low, high = np.array(inside.low), np.array(inside.high)
        club, ball = (2.0 * (place - low) / (high - low) - 1.0 for place in (club, ball))
        beside = (5.0 * (club - ball)).clip(-2.5, 2.5)
        parts = [club, turn + TURN * noise[:, 2:], ball, beside, states[:, 5:STATE]]
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    def _state(self, info: dict[str, Any]) -> np.ndarray:
        pose, place = info["pose"], info["ball_place"]
        club = self._cell.task.workspace.to_metric(pose)[:2]
        places = (BallPlace.ON_COURT, BallPlace.IN_HOLE, BallPlace.IN_WATER)
        state = [*club, pose[2], info["ball_x"], info["ball_y"], *(place == p for p in places)]
        return np.array([*state, *self._random.normal(size=NOISE)], np.float32)


class Memory:
    """Every step of a training, in order."""

    def __init__(self, steps: int, config: Config) -> None:
        width = STATE + NOISE
        self.states, self.later = (np.zeros((steps, width), np.float32) for _ in range(2))
        self.actions = np.zeros((steps, ACTIONS), np.float32)
        self.rewards, self.ends = np.zeros(steps, np.float32), np.zeros(steps, bool)
        self.count, self._settings = 0, config.train

    def add(
        self, state: np.ndarray, action: np.ndarray, reward: float, later: np.ndarray, end: bool
    ) -> None:
        """Store a step; ``end``: it is the last of its episode."""
        n, self.count = self.count, self.count + 1
        self.states[n], self.actions[n], self.later[n] = state, action, later
        self.rewards[n] = (reward + self._settings.reward_offset) * self._settings.reward_scale
        self.ends[n] = end

    def sample(self, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return states, actions, n-step rewards (B, 1), what the value there counts, and states.

        An episode that was cut off bootstraps from its last state, as no state of the cell is
        terminal.
        """
        first = random.integers(0, self.count, self._settings.batch_size)
        reward, factor, last = np.zeros(len(first)), np.ones(len(first)), first.copy()
        alive = np.ones(len(first), bool)
        for k in range(self._settings.n_step):
            at = np.minimum(first + k, self.count - 1)
            alive &= first + k < self.count
            reward += np.where(alive, factor * self.rewards[at], 0.0)
            factor = np.where(alive, factor * self._settings.discount, factor)
            last = np.where(alive, at, last)
            alive &= ~self.ends[at]
        columns = (column.astype(np.float32)[:, None] for column in (reward, factor))
        return (self.states[first], self.actions[first], *columns, self.later[last])


class Learner:
    """DrQ-v2's actor and critics, as multi-layer perceptrons.

    Args:
        config: of the agent whose numbers are used.
        env: the cell that it plays in.
        blur: what is wrong with what it sees.
        seed: of weights and noise.
    """

    def __init__(self, config: Config, env: States, blur: Blur, seed: int) -> None:
        assert isinstance(config.agent, DrQv2Config)
        self._config, self._agent, self._env, self._blur = config, config.agent, env, blur
        torch.manual_seed(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._random = np.random.default_rng(seed)
        self.noise = CorrelatedNoise(ACTIONS, self._agent.noise_correlation)
        self._actor = perceptron(FEATURES, ACTIONS)
        self._critics = nn.ModuleList(perceptron(FEATURES + ACTIONS, 1) for _ in range(2))
        self._targets = copy.deepcopy(self._critics)
        rate = self._agent.learning_rate
        self._actor_step = torch.optim.Adam(self._actor.parameters(), rate)
        self._critic_step = torch.optim.Adam(self._critics.parameters(), rate)

    @torch.no_grad()
    def act(self, state: np.ndarray, step: int, explore: bool = True) -> np.ndarray:
        """Return an action, (ACTIONS,); without exploration noise it is the mean."""
        mean = torch.tanh(self._actor(self._see(state[None], step)))[0]
        if explore:
            mean += self._stddev(step).float() * self.noise.next(self._generator)
        action: np.ndarray = mean.clamp(-1.0, 1.0).numpy()
        return action

    def update(self, memory: Memory, step: int) -> None:
        """Learn from a batch."""
        states, actions, reward, factor, later = memory.sample(self._random)
        seen, acted = self._see(states, step), torch.from_numpy(actions)
        with torch.no_grad():
            then = self._see(later, step)
            value = worst(self._targets, then, self._noisy(torch.tanh(self._actor(then)), step))
            target = torch.from_numpy(reward) + torch.from_numpy(factor) * value
        pairs = torch.cat([seen, acted], 1)
        errors = [nn.functional.mse_loss(critic(pairs), target) for critic in self._critics]
        step_down(self._critic_step, torch.stack(errors).sum())
        raw = self._actor(seen)
        loss = -worst(self._critics, seen, self._noisy(torch.tanh(raw), step)).mean()
        loss = loss + self._agent.saturation_weight * saturation_loss(raw)
        step_down(self._actor_step, loss)
        soft_update(self._targets, self._critics, self._agent.soft_update_rate)

    def play(self, episodes: int, seed: int, step: int) -> tuple[int, int]:
        """Return how many episodes succeed without noise, and how many strikes they take."""
        successes = strikes = 0
        for number in range(episodes):
            state, info = self._env.reset(seed=seed + number)
            over = False
            while not over:
                action = self.act(state, step, explore=False)
                strikes += int(action[-1] > 0.0)
                state, _, terminated, truncated, info = self._env.step(action)
                over = terminated or truncated
            successes += int(info["success"])
        return successes, strikes

    def _see(self, states: np.ndarray, step: int) -> Tensor:
        return self._env.features(states, self._blur.at(step))

    def _stddev(self, step: int) -> Tensor:
        agent = self._agent
        now = torch.tensor(float(step))
        return linear_schedule(agent.stddev_start, agent.stddev_end, agent.stddev_steps, now)

    def _noisy(self, mean: Tensor, step: int) -> Tensor:
        normal = torch.randn(mean.shape, generator=self._generator)
        return noisy_action(mean, self._stddev(step), normal, self._agent.stddev_clip)


def perceptron(inputs: int, outputs: int) -> nn.Sequential:
    """Return two hidden layers, the first with layer normalisation."""
    first = [nn.Linear(inputs, HIDDEN), nn.LayerNorm(HIDDEN), nn.ReLU()]
    return nn.Sequential(*first, nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))


def worst(critics: nn.ModuleList, seen: Tensor, action: Tensor) -> Tensor:
    """Return the smaller of two values, (B, 1)."""
    pairs = torch.cat([seen, action], 1)
    return torch.min(critics[0](pairs), critics[1](pairs))


def step_down(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take a gradient step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train(learner: Learner, env: States, config: Config, seed: int) -> None:
    """Train, and print how it goes."""
    settings, random = config.train, np.random.default_rng(seed)
    memory = Memory(settings.frames, config)
    state, _ = env.reset(seed=seed)
    holes = 0
    for step in range(1, settings.frames + 1):
        if step <= settings.seed_frames:
            action = random.uniform(-1.0, 1.0, ACTIONS).astype(np.float32)
        else:
            action = learner.act(state, step)
        later, reward, terminated, truncated, info = env.step(action)
        over = terminated or truncated
        memory.add(state, action, reward, later, over)
        holes += int(over and info["success"])
        if step > settings.seed_frames and step % settings.update_every == 0:
            learner.update(memory, step)
        if step % EVALUATE_EVERY == 0:
            successes, strikes = learner.play(10, EVALUATIONS, step)
            report = {"step": step, "holes": holes, "successes": successes, "of": 10}
            print(json.dumps({**report, "strikes": strikes}), flush=True)
        state = later
        if over:
            state, _ = env.reset()
            learner.noise.value.zero_()
    successes, strikes = learner.play(20, FRESH, settings.frames)
    print(json.dumps({"fresh": successes, "of": 20, "strikes": strikes}))


def main() -> None:
    """Train a learner on states and print what it reaches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blur", type=float, default=0.0, help="millimetres")
    parser.add_argument("--first-blur", type=float, default=0.0, help="millimetres")
    parser.add_argument("--fade", type=float, default=1000.0, help="steps")
    parser.add_argument("overrides", nargs="*", help="section.key=value, as of a training")
    options = parser.parse_intermixed_args()
    config = load_config("drqv2", "tabletop_golf", options.overrides)
    torch.set_num_threads(1)
    env, fresh = (States(GolfEnv(images="blank"), options.seed) for _ in range(2))
    blur = Blur(options.blur / 1000.0, options.first_blur / 1000.0, options.fade)
    # It is evaluated in a cell of its own: seeds there would repeat the training's episodes here.
    train(Learner(config, fresh, blur, options.seed), env, config, options.seed * 1000)
    env.close()
    fresh.close()


if __name__ == "__main__":
    main()
