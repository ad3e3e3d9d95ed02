"""Where agents compute: devices by name, batches and agents on them."""

import numpy as np
import pytest
import torch
from small_agents import small_agent, small_batch

from mentor_policy.config import ConfigError, load_config
from mentor_policy.device.resolve import resolve_device


def test_devices_are_named_as_torch_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    for count, chosen in ((0, torch.device("cpu")), (2, torch.device("cuda", 0))):
        monkeypatch.setattr(torch.cuda, "is_available", lambda count=count: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert resolve_device("auto") == chosen
    assert resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match=r"device is 'cuda:2', but torch .*use device=cpu or"):
        resolve_device("cuda:2")


def test_a_cuda_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device is 'cuda', but torch .*; use device=cpu or"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "CPU", "cuda:12345", "meta"])
def test_other_words_are_no_device(name: str) -> None:
    with pytest.raises(ConfigError, match=r"train\.device is .*; allowed are auto, cpu, cuda"):
        load_config("mentor", "dmc", [f"train.device='{name}'"])
    with pytest.raises(ConfigError, match=r"device is .*; allowed are auto, cpu, cuda"):
        resolve_device(name)


def test_a_batch_moves_as_a_whole_and_keeps_its_memory_layout() -> None:
    batch, agent = small_batch(state_size=2), small_agent("mentor", state_size=2)
    assert agent.to_device(batch) is batch
    moved = batch.to(torch.device("meta"))
    assert moved.obs.device.type == moved.next_state.device.type == "meta"  # type: ignore[union-attr]
    assert moved.obs.stride() == batch.obs.stride()
    assert small_batch().to(torch.device("meta")).state is None


@pytest.mark.parametrize("name", ["mentor", "random"])
def test_the_mean_action_comes_beside_the_action(name: str) -> None:
    agent, obs = small_agent(name), small_batch().obs[0].numpy()
    mean = agent.act(obs, step=99, evaluate=True) if name != "random" else np.zeros(3)
    for step in (0, 99):  # uniform first, then around the mean
        action, given = agent.act_with_mean(obs, step=step, evaluate=False)
        np.testing.assert_array_equal(given, mean)
        assert action.dtype == given.dtype == np.float32 and not np.array_equal(action, given)
