"""Changes of labels.csv by several writers at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

from mentor_reward.dataset.label_changes import change_labels, known_labels
from mentor_reward.dataset.labelled_images import LabelledImage

FIRST, SECOND = (LabelledImage(f"slot_1/{name}.png", "slot_1", 1, "bag") for name in "ab")


def test_a_change_begins_with_what_the_one_before_it_has_written(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(known: list[LabelledImage]) -> list[LabelledImage]:
        begun.set()
        assert go_on.wait(60.0)
        return [*known, FIRST]

    threads = [threading.Thread(target=change_labels, args=(tmp_path, slow))]
    threads[0].start()
    assert begun.wait(60.0)
    found: list[list[LabelledImage]] = []

    def quick(known: list[LabelledImage]) -> list[LabelledImage]:
        found.append(list(known))
        return [*known, SECOND]

    threads.append(threading.Thread(target=change_labels, args=(tmp_path, quick)))
    threads[1].start()
    threads[1].join(0.2)
    assert found == [], "it waits for the slow one"
    go_on.set()
    for thread in threads:
        thread.join(60.0)
    assert found == [[FIRST]] and known_labels(tmp_path) == [FIRST, SECOND]
