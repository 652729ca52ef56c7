"""Several splits of one folder as one."""

import collections
import dataclasses

import numpy as np

from keras_crosspool.data.checking import fingerprint


def merged(splits):
    """Puts splits of one folder one after the other.

    Args:
        splits: sequence of `Split` with the same classes and task, whose images can be read in any
            order.

    Returns:
        `Split`, named `train+val` and the like. Groups stay groups; those of two splits are not
        the same ones. Where only some splits have groups, each other image is one by itself.

    Raises:
        ValueError: if the splits are labelled for different tasks.
    """
    tasks = {split.task.name for split in splits}
    if len(tasks) > 1:
        raise ValueError(
            "All splits must be labelled alike, by class folders or by labels.csv. Received: "
            f"{', '.join(f'{split.name}, {split.task.name}' for split in splits)}"
        )
    starts = np.cumsum([0, *(split.size for split in splits)])

    def read(index):
        number = int(np.searchsorted(starts, index, side="right")) - 1
        return splits[number].read(int(index - starts[number]))

    left_out = sum((collections.Counter(split.left_out) for split in splits), collections.Counter())
    return dataclasses.replace(
        splits[0],
        name="+".join(split.name for split in splits),
        size=int(starts[-1]),
        fingerprint=fingerprint(split.fingerprint for split in splits),
        encoded=lambda indices: map(read, indices),
        skipped=tuple(name for split in splits for name in split.skipped),
        left_out=dict(left_out),
        groups=_merged_groups(splits),
        grouped_by=next((split.grouped_by for split in splits if split.groups), ""),
        names=tuple(name for split in splits for name in split.names),
        digests=tuple(digest for split in splits for digest in split.digests),
        labels=np.concatenate([split.labels for split in splits]),
        read=read,
    )


def _merged_groups(splits):
    if not any(split.groups for split in splits):
        return ()
    groups, start = [], 0
    for split in splits:
        own = split.groups or range(split.size)
        groups += [start + group for group in own]
        start = max(groups, default=-1) + 1
    return tuple(groups)
