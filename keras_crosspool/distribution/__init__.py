"""What trains: one device, several of one machine, or several machines, by `tf.distribute`.

A kind of devices and a number come in. `create_distribution` gives a `Distribution`: a
`ProcessGroup` (rank, size, all_reduce, all_gather, check_same), which the closed-form fit uses, and
the devices that share a batch, which fine-tuning uses. For one more kind of device touch
`strategy.py`; for one more way to name the workers touch `cluster.py`. `launcher.py` starts workers
on this machine.
"""

from keras_crosspool.distribution.distribution import ONE_DEVICE, Distribution
from keras_crosspool.distribution.process_group import ProcessGroup
from keras_crosspool.distribution.strategy import create_distribution

__all__ = ["ONE_DEVICE", "Distribution", "ProcessGroup", "create_distribution"]
