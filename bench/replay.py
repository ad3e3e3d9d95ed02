"""Drawing batches from a ring: from memory, from the disk, and beside a learner.

Prints one JSON object a line, milliseconds for a batch of 256, 9 x 84 x 84, n-step 3. "Larger than
the memory cache" is made the strict way: the kernel's cache of the ring is dropped before every
batch, so that not one frame is found in memory. ``replay/sample`` is what the learner waits for a
batch when it takes one every UPDATE_SECONDS, as it does by default (the next batch is drawn in the
background during an update); ``replay/sample_cold`` is the same reading with nobody to hide
behind, bound by the disk's throughput, which ``replay/disk`` gives; ``replay/sample_cached`` finds
everything in memory.
"""

import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_policy.replay import ReplayRing, RingHeader, Step
from mentor_policy.replay.prefetch import Prefetcher
from mentor_policy.replay.sampler import Sampler

BATCH = 256
RECORDS = int(os.environ.get("MENTOR_BENCH_RECORDS", "60000"))  # 1.3 GB
ROUNDS = 15
UPDATE_SECONDS = 0.15


def report(name: str, value: float, unit: str, ratio: float | None, against: str) -> None:
    rounded = None if ratio is None else round(ratio, 3)
    line = {"name": name, "value": round(value, 3), "unit": unit, "ratio": rounded}
    print(json.dumps({**line, "against": against}))


def fill(folder: Path) -> tuple[ReplayRing, float]:
    """Return a ring of random frames, and the seconds that appending one took."""
    layout = FrameLayout(("camera",), 3, 84, 84, True)
    ring = ReplayRing(folder, RingHeader(layout, 7, 0, 1_000_000, 20_000), expected=RECORDS)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (64, 3, 84, 84), dtype=np.uint8)
    began = time.perf_counter()
    for number in range(RECORDS):
        episode, step = divmod(number, 251)
        stack = [frames[(episode + max(0, step - back)) % 64] for back in (2, 1, 0)]
        action = np.zeros(7, np.float32) if step else None
        ring.append(Step(episode, step, np.concatenate(stack), action, 1.0, truncated=step == 250))
    return ring, (time.perf_counter() - began) / RECORDS


def milliseconds(call, before=lambda: None) -> float:
    """Return the median time of a call."""
    times = []
    for number in range(ROUNDS):
        before()
        began = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def main() -> None:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=os.environ.get("MENTOR_BENCH_DIR")) as folder:
        ring, append = fill(Path(folder) / "ring")
        sampler = Sampler(ring, batch_size=BATCH, n_step=3, gamma=0.99, seed=0)
        sampler.batch(0, ring.count)
        cached = milliseconds(lambda n: sampler.batch(n, ring.count))
        cold = milliseconds(lambda n: sampler.batch(n, ring.count), ring.frames.drop_cache)
        prefetcher = Prefetcher(sampler)
        prefetcher.batch(0)
        waits = []
        for update in range(1, ROUNDS + 1):
            time.sleep(UPDATE_SECONDS)
            ring.frames.drop_cache()  # the batch that is drawn next finds nothing in memory
            began = time.perf_counter()
            prefetcher.batch(update)
            waits.append(time.perf_counter() - began)
        prefetcher.close()
        wait = 1e3 * statistics.median(waits)
        read = BATCH * 6 * 21_168 / 1e9
        report("replay/sample", wait, "ms", wait / 10, "10 ms, beside a learner, cache dropped")
        report("replay/sample_cached", cached, "ms", cached / 10, "10 ms, all in memory")
        report("replay/sample_cold", cold, "ms", cold / 10, "10 ms, nothing in memory, no learner")
        report("replay/disk", read / (cold / 1e3), "GB/s", None, "what sample_cold read")
        report("replay/append", append * 1e3, "ms", None, "")
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        report("replay/resident", resident, "GB", resident, "1 GB, the whole process at its most")
        disk = sum(f.stat().st_blocks * 512 for f in (Path(folder) / "ring").iterdir())
        each = disk / RECORDS * 1_020_000 / 1e9
        report("replay/disk_of_a_million", each, "GB", each / 22, "22 GB, scaled from this ring")
        ring.close()


if __name__ == "__main__":
    main()
