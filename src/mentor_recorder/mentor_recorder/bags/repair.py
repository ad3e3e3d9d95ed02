"""Makes the files of a killed recorder whole again, so that every tool reads them."""

from __future__ import annotations

from pathlib import Path

from mentor_common.bags.mcap_file import McapFile
from mentor_common.bags.metadata import FileFigures, bag_information, write_metadata
from mentor_common.bags.reader import Bag, BagFile
from mentor_recorder.bags.parameters import write_parameters
from mentor_recorder.bags.summary import RECORD


def repair(folder: Path) -> list[str]:
    """Rewrite what was not closed, and ``metadata.yaml``.

    The broken file stays beside the new one as ``<name>.broken``. A file that cannot be read at all
    becomes an empty one.

    Args:
        folder: folder of the bag.

    Returns:
        A sentence for each thing that was done.

    Raises:
        BagError: there is no bag.
        BagWriteError: the disk refuses; the bag is as it was.
    """
    bag = Bag(folder)
    done = []
    for file in bag.files:
        if not file.whole:
            figures = _rewrite(bag, file)
            done.append(
                f"{file.path.name}: {figures.messages} messages kept, up to where it broke off "
                f"({file.problem}); the broken file is {file.path.name}.broken"
            )
    mended = Bag(folder)
    figures_of = [
        FileFigures(file.path.name, file.start, file.end, dict(file.counts))
        for file in mended.files
    ]
    if bag.path.is_dir():
        write_metadata(folder, bag_information(figures_of, list(mended.topics.values())))
        write_parameters(folder, mended.record(RECORD, "parameters") or {})
        done.append("metadata.yaml: written anew")
    return done


def _rewrite(bag: Bag, file: BagFile) -> FileFigures:
    path = file.path.with_suffix(".mcap.repaired")
    path.unlink(missing_ok=True)
    single = Bag(file.path)
    new = McapFile(path)
    try:
        for topic in single.topics.values():
            new.add_topic(topic)
        for name, values in single.records.items():
            new.add_record(name, values)
        for message in single.messages():
            new.write(
                message.topic, message.data, message.log_time, message.publish_time,
                message.sequence,
            )  # fmt: skip
        new.figures.path = file.path.name
        new.finish()
        new.make_durable()
    except BaseException:
        new.abandon()
        path.unlink(missing_ok=True)
        raise
    file.path.rename(file.path.with_suffix(".mcap.broken"))
    path.rename(file.path)
    return new.figures
