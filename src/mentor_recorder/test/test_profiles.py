"""Which topics of the graph a profile takes."""

from __future__ import annotations

import pytest

from mentor_recorder.recording.profiles import found_by_profile


@pytest.mark.parametrize("name", ["tf", "tf_static", "/tf", "camera/slot_1/color/image_raw"])
def test_full_takes_the_tf_of_a_cell_in_a_namespace_and_that_of_all(name: str) -> None:
    assert found_by_profile("full", name) and found_by_profile("fault", name)
    assert not found_by_profile("experience", name)


@pytest.mark.parametrize("name", ["tf_of_another", "other/tf", "camera/slot_1/depth"])
def test_full_takes_no_topic_that_it_does_not_know(name: str) -> None:
    assert not found_by_profile("full", name)
