"""How well the best fixed sequence of actions does on a cell: what needs no eyes.

Searches 2,000 sequences, without image, pose or seed: first at random among sequences of a few
stretches of one action each, then by the cross-entropy method around the best. The best of all, by
episodes of their own, is then played in fresh ones. Seeds of search, choice and result are
apart, and none is one of evaluation or training. Physics only; interrupted, it goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium
import numpy as np
import yaml

from mentor_common.env.registration import register_environments
from mentor_common.files.atomic import write_atomically
from mentor_common.tasks.task import list_tasks

SEARCH_SEED, CHOICE_SEED, RESULT_SEED = 30_000_000, 31_000_000, 32_000_000
"""First seeds of the episodes of a search with seed 0, of its choice, and of its result."""
OTHER_SEEDS, PER_SEARCH, PER_PURPOSE = 100_000_000, 3_000_000, 1_000_000
"""First seed of the episodes of a search with seed 1, and how many the searches from there on have,
and each of their three purposes. The other scripts stay below OTHER_SEEDS."""
RANDOM = 800
"""Sequences of the random search; the others are the cross-entropy method's."""
PER_GENERATION, ELITES = 100, 12
TRIED_RANDOM, TRIED = 2, 4
"""Episodes in which a sequence of the random search, of the cross-entropy method, is tried."""
AT_ONCE = 10
"""Sequences after which the state is saved."""
FINALISTS, CHOICE_EPISODES = 20, 20
KEEP = 0.3
"""Share of the old distribution in the next generation's."""
LEAST_SPREAD = 0.1


DEFAULT = "mentor/cable_routing-v0"


@dataclass(frozen=True)
class Cell:
    """What is searched on."""

    name: str
    """Id of a twin's environment."""
    config: str = ""
    """YAML of the cell; empty: the package's."""

    def make(self) -> gymnasium.Env:
        """Return the environment, without images."""
        register_environments()
        arguments = {"config": Path(self.config)} if self.config else {}
        return gymnasium.make(self.name, images="blank", **arguments)

    def digest(self, env: gymnasium.Env) -> str:
        """Return the SHA-256 of what the twin's configuration and the task file say.

        Args:
            env: that `make` returned.
        """
        cell: Any = env.unwrapped
        task = yaml.safe_load(list_tasks()[cell.task.name].read_text())
        said = repr(cell.simulator.config) + json.dumps(task, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Played:
    """What a sequence led to in one episode: success, and the last reward."""

    success: bool
    reward: float


_env: gymnasium.Env | None = None


def play(job: tuple[Cell, list[list[float]], int]) -> Played:
    """Play a sequence in the episode of a seed."""
    global _env
    cell, sequence, seed = job
    if _env is None:
        _env = cell.make()
    _env.reset(seed=seed)
    success, reward = False, 0.0
    for action in sequence:
        _, reward, terminated, truncated, info = _env.step(np.array(action, np.float32))
        success = bool(info["success"])
        if terminated or truncated:
            break
    return Played(success and bool(info["valid"]), reward)


def random_sequence(random: np.random.Generator, steps: int, actions: int) -> np.ndarray:
    """Return a sequence of 3 to 10 stretches of one action each.

    Half of all values are -1, 0 or 1: as far as an edge, or straight.

    Args:
        random: source of the draws.
        steps: steps of an episode.
        actions: size of an action.

    Returns:
        (steps, actions).
    """
    stretches = int(random.integers(3, 11))
    ends = np.sort(random.choice(np.arange(1, steps), stretches - 1, replace=False))
    values = random.uniform(-1.0, 1.0, (stretches, actions))
    pure = random.random((stretches, actions)) < 0.5
    values[pure] = np.round(values[pure] * 1.5)
    return np.repeat(np.clip(values, -1.0, 1.0), np.diff([0, *ends, steps]), axis=0)


@dataclass(frozen=True)
class Seeds:
    """First seeds of a search's episodes, of which each purpose has PER_PURPOSE of its own.

    Args:
        search: those that sequences are tried in.
        choice: those that the best of the finalists is chosen in.
        result: those of the result.
    """

    search: int
    choice: int
    result: int


def seeds_of(seed: int) -> Seeds:
    """Return the seeds of the episodes of the search with a seed.

    Raises:
        ValueError: the seed is below 0, or so large that an episode's would exceed 32 bits.
    """
    if seed == 0:
        return Seeds(SEARCH_SEED, CHOICE_SEED, RESULT_SEED)
    most = (2**31 - OTHER_SEEDS) // PER_SEARCH
    if not 0 < seed <= most:
        raise ValueError(f"--seed {seed}; allowed: 0 to {most}")
    first = OTHER_SEEDS + (seed - 1) * PER_SEARCH
    return Seeds(first, first + PER_PURPOSE, first + 2 * PER_PURPOSE)


class Search:
    """The state of a search, on the disk after every few sequences.

    Args:
        folder: folder of the state.
        cell: cell that is searched on.
        sequences: sequences that are tried in all.
        seed: seed of the search.
        pool: plays the episodes.

    Raises:
        ValueError: the folder has the state of another search, or the seed is refused.
    """

    def __init__(
        self, folder: Path, cell: Cell, sequences: int, seed: int, pool: ProcessPoolExecutor
    ) -> None:
        self._file = folder / "search.json"
        self._cell, self._sequences, self._seed, self._pool = cell, sequences, seed, pool
        self._first = seeds_of(seed).search
        env = cell.make()
        self._shape = env.unwrapped.max_steps, int(np.prod(env.action_space.shape))
        self._identity = identity(cell, cell.digest(env), sequences, seed)
        env.close()
        folder.mkdir(parents=True, exist_ok=True)
        self._tried: list[list[list[float]]] = []  # of whole generations
        self._scores: list[float] = []  # of these, and of the generation under way
        if self._file.exists():
            state = json.loads(self._file.read_text())
            self._check(state)
            self._scores = state["scores"]
            while len(self._tried) + self._left() <= len(self._scores) and self._left():
                self._tried += [np.round(each, 4).tolist() for each in self._generation()]

    def run(self) -> np.ndarray:
        """Search to the end; return the sequences (FINALISTS, steps, actions) with best scores."""
        while self._left():
            done = len(self._tried)
            batch = self._generation()
            episodes = TRIED_RANDOM if self._is_random() else TRIED
            # All of a generation meet the same episodes; the next meets others.
            first = self._first + 1000 * (done // PER_GENERATION)
            wins = []
            for start in range(len(self._scores) - done, len(batch), AT_ONCE):
                part = batch[start : start + AT_ONCE]
                played = self.play(part, range(first, first + episodes))
                self._scores += [float(np.mean([p.reward for p in each])) for each in played]
                wins += [p.success for each in played for p in each]
                self._save()
            self._tried += [np.round(sequence, 4).tolist() for sequence in batch]
            won, best = np.mean(wins), max(self._scores[done:])
            print(f"{len(self._tried)} sequences: success {won:.3f}, best {best:.1f}", flush=True)
        order = np.argsort(self._scores)[::-1][:FINALISTS]
        # The last mean is no sequence that was tried, but the method's own answer.
        finalists = [np.array(self._tried[i]) for i in order]
        return np.array([*finalists[:-1], np.clip(self._distribution()[0], -1.0, 1.0)])

    def play(self, sequences: Iterable[np.ndarray], seeds: Sequence[int]) -> list[list[Played]]:
        """Play every sequence in the episodes of all seeds."""
        jobs = [(self._cell, s.tolist(), seed) for s in sequences for seed in seeds]
        played = list(self._pool.map(play, jobs, chunksize=1))
        return [played[i : i + len(seeds)] for i in range(0, len(played), len(seeds))]

    def _left(self) -> int:
        """Sequences of the next generation; 0: the search is complete."""
        return min(PER_GENERATION, self._sequences - len(self._tried))

    def _is_random(self) -> bool:
        return len(self._tried) < min(RANDOM, self._sequences // 2)

    def _generation(self) -> list[np.ndarray]:
        """Draw the next generation, each (steps, actions); the scores so far decide it."""
        random = np.random.default_rng([self._seed, len(self._tried)])
        if self._is_random():
            return [random_sequence(random, *self._shape) for _ in range(self._left())]
        mean, spread = self._distribution()
        steps, actions = self._shape
        noise = random.normal(size=(self._left(), -(-steps // 4), actions))
        noise = np.repeat(noise, 4, axis=1)[:, :steps]
        own = random.normal(size=(self._left(), steps, actions))
        return list(np.clip(mean + spread * (0.9 * noise + 0.3 * own), -1.0, 1.0))

    def _distribution(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread (steps, actions) after all generations so far."""
        sequences, scores = np.array(self._tried), np.array(self._scores[: len(self._tried)])
        start = min(RANDOM, self._sequences // 2)
        elites = sequences[np.argsort(scores[:start])[::-1][:ELITES]]
        mean, spread = elites.mean(0), elites.std(0)
        for first in range(start, len(sequences), PER_GENERATION):
            part = slice(first, first + PER_GENERATION)
            best = sequences[part][np.argsort(scores[part])[::-1][:ELITES]]
            mean = KEEP * mean + (1 - KEEP) * best.mean(0)
            spread = KEEP * spread + (1 - KEEP) * best.std(0)
        return mean, np.maximum(spread, LEAST_SPREAD)

    def _check(self, state: dict[str, Any]) -> None:
        """Refuse the state of another search."""
        way_out = "name another --folder, or delete this file to search anew"
        if "identity" not in state:
            raise ValueError(
                f"{self._file} does not record which search it is of, as it is of an earlier "
                f"version; {way_out}"
            )
        for name, wanted in self._identity.items():
            found = state["identity"].get(name)
            if found != wanted:
                raise ValueError(
                    f"{self._file} is of a search with {name} {found!r}, not {wanted!r}; {way_out}"
                )

    def _save(self) -> None:
        # The seed and the scores decide which sequences were drawn.
        state = {"identity": self._identity, "scores": self._scores}
        write_atomically(self._file, json.dumps(state).encode())


def identity(cell: Cell, digest: str, sequences: int, seed: int) -> dict[str, Any]:
    """Return what decides the course of a search, by name; of the cell its digest."""
    return {"env": cell.name, "cell": digest, "sequences": sequences, "seed": seed}


def main() -> None:
    """Search, choose, and print the result as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default=DEFAULT, help="id of a twin's environment")
    parser.add_argument(
        "--folder", type=Path, help="of the search; default: runs/blind_search, with the env's name"
    )
    parser.add_argument("--config", default="", help="YAML of a cell; empty: the package's")
    parser.add_argument("--sequences", type=int, default=2000)
    parser.add_argument("--episodes", type=int, default=100, help="fresh episodes of the result")
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    task = options.env.removeprefix("mentor/").removesuffix("-v0")
    usual = "blind_search" if options.env == DEFAULT else f"blind_search_{task}"
    folder = options.folder or Path("runs") / usual
    cell = Cell(options.env, options.config)
    with ProcessPoolExecutor(options.processes) as pool:
        try:
            seeds = seeds_of(options.seed)
            search = Search(folder, cell, options.sequences, options.seed, pool)
        except ValueError as error:
            parser.error(str(error))
        finalists = search.run()
        played = search.play(finalists, range(seeds.choice, seeds.choice + CHOICE_EPISODES))
        wins = [np.mean([p.success for p in each]) for each in played]
        rewards = [np.mean([p.reward for p in each]) for each in played]
        best = int(np.lexsort((rewards, wins))[-1])
        fresh = range(seeds.result, seeds.result + options.episodes)
        result = search.play([finalists[best]], fresh)[0]
    share = float(np.mean([p.success for p in result]))
    (folder / "best.json").write_text(json.dumps(finalists[best].tolist()))
    line = {"name": f"{task}/blind_sequence", "value": round(share, 3), "unit": "success"}
    print(f"best of the choice: {max(wins):.2f} in {CHOICE_EPISODES} episodes")
    print(json.dumps({**line, "ratio": None, "against": None}))


if __name__ == "__main__":
    main()
