"""The faults: how each is inflicted on a run, and how the run is to end."""

import dataclasses
import random
import resource
import signal
import socket
import threading
from collections.abc import Callable

from keras_crosspool.distribution.launcher import free_ports
from tests.faults.runs import RunFolder, TrainingProcess, kill_at

_KILLED = -signal.SIGKILL
_FILE_LIMIT = 30_000_000  # bytes: the solved model has fewer, a checkpoint more


@dataclasses.dataclass(frozen=True)
class Case:
    """A run that is to be hurt.

    Attributes:
        folder: `RunFolder`.
        data: path of the images.
        flags: list of str, of training.
        logs: path of the folder for what its processes print.
        random: `random.Random`, the choice of moments.
        start: function that starts a process, as `start_process`.
    """

    folder: RunFolder
    data: object
    flags: tuple
    logs: object
    random: random.Random
    start: Callable

    def train(self, *flags, workers=None):
        """Starts the command, with further flags; a `TrainingProcess`."""
        command = [f"--data={self.data}", *self.flags, f"--output={self.folder.output}", *flags]
        number = len(list(self.logs.iterdir()))
        return TrainingProcess(command, self.logs / f"{number}.log", workers, self.start)

    def pair(self):
        """Starts two workers of the command; two `TrainingProcess`."""
        ports = free_ports(2)
        cluster = f"--workers=127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"
        return [self.train(cluster, f"--task_index={index}") for index in (0, 1)]

    def past(self, number):
        """A condition: that a checkpoint of this number, or a later one, is there."""
        return lambda: self.folder.steps and self.folder.steps[-1] >= number


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is done to a run.

    Attributes:
        name: str.
        inflict: function from a `Case` to `Ended`.
        code: int, exit code that is expected.
        says: str, regular expression that the run's last words are to match.
        start: str, what there is before: `"nothing"`; `"solved"`, the closed form; or `"tuned"`,
            two checkpoints of fine-tuning as well.
        again: str, who then repeats the command: `"one"`, `"two"` workers or `"nobody"`.
    """

    name: str
    inflict: Callable
    code: int
    says: str = ""
    start: str = "solved"
    again: str = "one"


def kill_while_solving(case):
    """Ends a run before there is anything to keep."""
    process = case.train()
    return kill_at(process, lambda: "solver:" in process.text)


def kill_at_random_step(case):
    """Ends a run at once, somewhere after a random checkpoint but the last."""
    return kill_at(case.train(), case.past(case.random.choice([1, 2, 3, 4, 6, 8])))


def kill_thrice(case):
    """Ends a run at once, three times, each further on."""
    for number in sorted(case.random.sample([1, 3, 5, 7, 9], 3)):
        ended = kill_at(case.train(), case.past(number))
    return ended


def kill_in_checkpoint(case):
    """Ends a run at once while it writes a checkpoint."""
    return kill_at(case.train(), case.folder.partial)


def kill_in_output(case):
    """Ends a run at once while it writes the model directory."""
    output = case.folder.output
    pattern = f".{output.stem}.*.partial"
    return kill_at(case.train(), lambda: any(output.parent.glob(pattern)))


def signal_at_step(number):
    """Sends a signal after a random checkpoint."""

    def inflict(case):
        return kill_at(case.train(), case.past(case.random.choice([2, 3, 6])), number)

    return inflict


def terminate_in_validation(case):
    """Sends SIGTERM as soon as the last step of the first epoch is there."""
    process = case.train()
    return kill_at(process, lambda: "4/4" in process.text, signal.SIGTERM)


def terminate_while_solving(case):
    """Sends SIGTERM before there is anything to keep."""
    process = case.train()
    return kill_at(process, lambda: "solver:" in process.text, signal.SIGTERM)


def truncate_newest(case):
    """Cuts the newest checkpoint off in the middle."""
    arrays = case.folder.step(case.folder.steps[-1]) / "arrays.npz"
    with arrays.open("r+b") as file:
        file.truncate(arrays.stat().st_size // 2)
    return case.train().ended()


def remove_state(case):
    """Removes a file of the newest checkpoint."""
    (case.folder.step(case.folder.steps[-1]) / "state.json").unlink()
    return case.train().ended()


def flip_byte(case):
    """Changes one byte of the newest checkpoint."""
    _flip(case.folder.step(case.folder.steps[-1]) / "arrays.npz")
    return case.train().ended()


def flip_all(case):
    """Changes a byte of every checkpoint."""
    for number in case.folder.steps:
        _flip(case.folder.step(number) / "arrays.npz")
    return case.train().ended()


def damage_solved(case):
    """Cuts the solved model off in the middle; it is put back once the run has refused it."""
    model = case.folder.checkpoints / "solved" / "model.keras"
    content = model.read_bytes()
    model.write_bytes(content[: len(content) // 2])
    ended = case.train().ended()
    model.write_bytes(content)
    return ended


def limit_file_size(case):
    """Leaves no room for a checkpoint."""
    process = case.train()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (_FILE_LIMIT, _FILE_LIMIT))
    return process.ended()


def write_to_system(case):
    """Names an output where nothing can be written."""
    return case.train("--output=/proc/model").ended()


def write_below_file(case):
    """Names an output below a file."""
    file = case.logs.parent / "file"
    file.write_text("a file")
    return case.train(f"--output={file}/model").ended()


def train_twice(case):
    """Starts a second run into the output of one that trains; ends the first at once, later."""
    first = case.train()
    first.wait_for(case.past(0))
    second = case.train().ended()
    first.kill()
    return second


def change_flags(case):
    """Goes on with another learning rate."""
    return case.train("--learning_rate=2e-4").ended()


def change_images(case):
    """Changes an image after the run was killed, and puts it back once that was refused."""
    image = next(iter(sorted(case.data.glob("train/*/*.jpg"))))
    content = image.read_bytes()
    image.write_bytes(content + b" ")
    ended = case.train().ended()
    image.write_bytes(content)
    return ended


def diverge(case):
    """Trains at a rate at which the loss cannot stay finite."""
    case.folder.rewrite_run(learning_rate=1e30)
    return case.train("--learning_rate=1e30").ended()


def take_port(case):
    """Holds the port of a worker."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        (other,) = free_ports(1)
        cluster = f"--workers=127.0.0.1:{port},127.0.0.1:{other}"
        return case.train(cluster, "--task_index=0").ended()


def lose(index, number=signal.SIGKILL):
    """Sends a signal to one of two workers; how the other ends."""

    def inflict(case):
        processes = case.pair()
        ended = [None, None]
        processes[0].wait_for(case.past(2))
        processes[index].signal(number)
        threads = [
            threading.Thread(target=lambda i=i: ended.__setitem__(i, processes[i].ended()))
            for i in (0, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ended[1 - index]

    return inflict


def terminate_launcher(case):
    """Sends SIGTERM to the launcher of two workers."""
    return kill_at(case.train(workers=2), case.past(2), signal.SIGTERM)


def never_come(case):
    """Starts one of two workers."""
    ports = free_ports(2)
    cluster = f"--workers=127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"
    return case.train(cluster, "--task_index=0").ended()


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


_DAMAGED = r"^model directory"  # the run went on and ended well

FAULTS = (
    Fault("a worker never comes", never_come, 69, "Not all workers came", again="nobody"),
    Fault("SIGKILL while solving", kill_while_solving, _KILLED, start="nothing"),
    Fault("SIGTERM while solving", terminate_while_solving, 75, "Asked to stop", start="nothing"),
    Fault("SIGKILL at a random step", kill_at_random_step, _KILLED),
    Fault("SIGKILL at three random steps", kill_thrice, _KILLED),
    Fault("SIGKILL while a checkpoint is written", kill_in_checkpoint, _KILLED),
    Fault("SIGKILL while the model directory is written", kill_in_output, _KILLED, start="tuned"),
    Fault("SIGTERM at a step", signal_at_step(signal.SIGTERM), 75, "asked to stop"),
    Fault("SIGINT at a step", signal_at_step(signal.SIGINT), 75, "asked to stop"),
    Fault("SIGTERM in validation", terminate_in_validation, 75, "asked to stop"),
    Fault("newest checkpoint cut off", truncate_newest, 0, _DAMAGED, "tuned", "nobody"),
    Fault("newest checkpoint lacks a file", remove_state, 0, _DAMAGED, "tuned", "nobody"),
    Fault("a byte of the newest checkpoint", flip_byte, 0, _DAMAGED, "tuned", "nobody"),
    Fault("a byte of every checkpoint", flip_all, 0, _DAMAGED, "tuned", "nobody"),
    Fault("solved model cut off", damage_solved, 2, "is damaged", "tuned"),
    Fault("no room for a checkpoint", limit_file_size, 2, "File too large"),
    Fault("output cannot be written", write_to_system, 2, "/proc/model", again="nobody"),
    Fault("output below a file", write_below_file, 2, "file", again="nobody"),
    Fault("two runs into one output", train_twice, 2, "Another process"),
    Fault("other flags", change_flags, 2, "learning_rate", "tuned"),
    Fault("a changed image", change_images, 2, "of another run.*images", "tuned"),
    Fault("loss not finite", diverge, 2, r"epoch 0, step \d, images .*jpg", again="nobody"),
    Fault("port taken", take_port, 2, "cannot be used", again="nobody"),
    Fault("worker SIGKILLed", lose(1), 69, "Another worker is gone", again="two"),
    Fault("chief SIGKILLed", lose(0), 69, "Another worker is gone", again="two"),
    Fault("worker SIGTERMed", lose(1, signal.SIGTERM), 75, "asked to stop", again="two"),
    Fault("launcher SIGTERMed", terminate_launcher, 75, "asked to stop", again="two"),
)
