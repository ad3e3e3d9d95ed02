"""The search for a fixed sequence: seeds of its own, and a state that only its own search reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mentor_sim_bridge.twins.golf import config as golf_config

BENCH = Path(__file__).parents[1] / "bench"
OTHERS = range(0, 100_000_000)
"""Seeds of the other scripts, of evaluation and of training."""


@pytest.fixture(scope="module")
def blind_search() -> ModuleType:
    sys.path.insert(0, str(BENCH / "cells"))
    try:
        import blind_search
    finally:
        sys.path.remove(str(BENCH / "cells"))
    return blind_search


@pytest.fixture
def search_of(
    blind_search: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Makes a search on a cell of twelve steps, whose episodes give no reward."""
    env = SimpleNamespace(
        unwrapped=SimpleNamespace(max_steps=12), action_space=np.zeros(2), close=lambda: None
    )
    monkeypatch.setattr(blind_search.Cell, "make", lambda cell: env)
    monkeypatch.setattr(blind_search.Cell, "digest", lambda cell, env: cell.config)
    played = blind_search.Played(False, 0.0)
    pool = SimpleNamespace(map=lambda play, jobs, chunksize: [played] * len(jobs))

    def make(env: str = "mentor/a-v0", config: str = "", sequences: int = 20, seed: int = 0) -> Any:
        cell = blind_search.Cell(env, config)
        return blind_search.Search(tmp_path, cell, sequences, seed, pool)

    return make


def test_the_usual_search_has_the_seeds_of_the_published_result(blind_search: ModuleType) -> None:
    assert blind_search.seeds_of(0) == blind_search.Seeds(30_000_000, 31_000_000, 32_000_000)


def test_no_episode_of_a_search_is_one_of_another_purpose_search_or_script(
    blind_search: ModuleType,
) -> None:
    firsts = [
        first for seed in range(1, 30) for first in vars(blind_search.seeds_of(seed)).values()
    ]
    firsts.append(OTHERS.stop - blind_search.PER_PURPOSE)
    assert np.diff(sorted(firsts)).min() >= blind_search.PER_PURPOSE
    for seed in (-1, 10_000):
        with pytest.raises(ValueError, match=f"--seed {seed}; allowed: 0 to"):
            blind_search.seeds_of(seed)


def test_a_search_continues_its_own_state_and_refuses_that_of_another(
    search_of: Callable[..., Any], tmp_path: Path
) -> None:
    search_of().run()
    assert len(search_of()._tried) == 20
    for name, other in (
        ("env", {"env": "mentor/b-v0"}),
        ("cell", {"config": "another.yaml"}),
        ("sequences", {"sequences": 40}),
        ("seed", {"seed": 1}),
    ):
        with pytest.raises(
            ValueError, match=rf"search\.json is of a search with {name} .*--folder"
        ):
            search_of(**other)


def test_a_cell_with_other_numbers_is_another(blind_search: ModuleType, tmp_path: Path) -> None:
    usual = Path(golf_config.__file__).parent / "tabletop_golf.yaml"
    other = tmp_path / "tabletop_golf.yaml"
    other.write_text(usual.read_text().replace("stimp: [8.0, 12.0]", "stimp: [8.0, 11.0]"))
    digests = []
    for config in ("", str(usual), str(other)):
        cell = blind_search.Cell("mentor/tabletop_golf-v0", config)
        env = cell.make()
        digests.append(cell.digest(env))
        env.close()
    assert digests[0] == digests[1] != digests[2]


def test_an_interrupted_search_tries_the_same_sequences_as_one_that_was_not(
    blind_search: ModuleType, search_of: Callable[..., Any], tmp_path: Path
) -> None:
    """Two random generations and two of the cross-entropy method, interrupted within the third."""

    class Pool:
        def __init__(self, last: int) -> None:
            self.left = last

        def map(self, play: Any, jobs: list[Any], chunksize: int) -> list[Any]:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return [blind_search.Played(False, float(np.sum(jobs[i][1]))) for i in range(len(jobs))]

    whole = search_of(sequences=400)
    whole._pool = Pool(40)
    best = whole.run()
    (tmp_path / "search.json").unlink()
    interrupted = search_of(sequences=400)
    interrupted._pool = Pool(25)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    resumed = search_of(sequences=400)
    assert len(resumed._tried) == 200 and len(resumed._scores) == 250
    resumed._pool = Pool(15)
    np.testing.assert_array_equal(resumed.run(), best)
    assert resumed._tried == whole._tried and resumed._scores == whole._scores


def test_a_state_that_does_not_record_its_search_is_refused(
    search_of: Callable[..., Any], tmp_path: Path
) -> None:
    state = {"scores": []}
    (tmp_path / "search.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match="does not record which search it is of"):
        search_of()
