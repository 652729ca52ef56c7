"""Where runs are hurt: the runs to compare with, the states to start from, a folder a fault."""

import json
import pathlib
import random
import re
import shutil
import time

from absl import logging

from tests.faults.cases import Case
from tests.faults.runs import RunFolder, kill_at, relative_difference, start_process

COUNTS = {"train": 7, "test": 4}  # images of a class
_WORDS = 110  # of a run's last line, in characters


class FaultLaboratory:
    """Trains a small run that nothing happens to, and the same run with faults.

    Args:
        folder: path for all files.
        data: path of the folder of images, of which a few are copied.
        classes: list of str, the classes to take.
        flags: list of str, of training, without data and output.
        seed: int, of the moments of the faults. Defaults to `0`.
        start: function that starts a process. Defaults to `start_process`.
    """

    def __init__(self, folder, data, classes, flags, seed=0, start=start_process):
        self._folder, self._data = pathlib.Path(folder), pathlib.Path(data)
        self._classes, self._flags, self._seed, self._start = classes, flags, seed, start
        self._starts = {}
        self.whole = {}  # who trained, "one" or "two" workers: the model directory

    def prepare(self, tuned=True, two=True):
        """Trains the runs to compare with, and keeps what faults start from.

        Args:
            tuned: bool, whether faults start from `"tuned"`. Defaults to `True`.
            two: bool, whether two workers train as well. Defaults to `True`.

        Raises:
            RuntimeError: if a run fails.
        """
        case = self.case("reference", "nothing")
        process = case.train()
        process.wait_for(lambda: (case.folder.checkpoints / "solved").is_dir())
        self._starts["solved"] = case.folder.copy_checkpoints(self._folder / "solved")
        self._finish("one", case, process)
        if tuned:
            case = self.case("tuned", "solved")
            kill_at(case.train(), case.past(6))
            self._starts["tuned"] = case.folder
        if two:
            case = self.case("two", "solved")
            self._finish("two", case, case.train(workers=2))

    def start(self, name):
        """The `RunFolder` that faults start from, `"solved"` or `"tuned"`."""
        return self._starts[name]

    def row(self, fault):
        """Inflicts a `Fault`, and has the command repeated.

        Returns:
            dict, a row of the table: `fault`; `exit code` and `said`, the error if any, and whether
            both are `as expected`; `newest checkpoint`, its number; `half-written`, what stands
            under a final name and is not whole; `seconds`, from start to end;
            `repeated`, the exit code of the repeated command; `difference`, of the final weights
            to those of the run that nothing happened to, as a relative norm, `None` without any.
        """
        case = self.case(re.sub(r"\W+", "_", fault.name), fault.start)
        begin = time.monotonic()
        ended = fault.inflict(case)
        seconds = time.monotonic() - begin
        steps, flaws = case.folder.steps, case.folder.flaws()
        again = None
        if fault.again != "nobody":
            again = case.train(workers=2 if fault.again == "two" else None).ended().code
        finished = case.folder.output.is_dir()
        whole = self.whole["two" if fault.again == "two" else "one"]
        expected = ended.code == fault.code and re.search(fault.says, ended.line)
        row = {
            "fault": fault.name,
            "exit code": ended.code,
            "said": self._said(ended),
            "as expected": "yes" if expected else "no",
            "newest checkpoint": steps[-1] if steps else None,
            "half-written": "; ".join(flaws) or "nothing",
            "seconds": round(seconds),
            "repeated": again,
            "difference": relative_difference(whole, case.folder.output) if finished else None,
        }
        logging.info("%s", row)
        return row

    def _said(self, ended):
        _, error, words = ended.line.partition("error: ")
        return words.replace(str(self._folder), "")[:_WORDS] if error else ""

    def case(self, name, start):
        """A new `Case` that starts from `"nothing"`, `"solved"` or `"tuned"`."""
        folder = self._folder / "cases" / name
        (folder / "logs").mkdir(parents=True)
        data = folder / "data"
        self._copy_images(data)
        output = RunFolder(folder / "model")
        if start != "nothing":
            output = self._starts[start].copy_checkpoints(output.output)
            output.rewrite_run(data=str(data))
        moments = random.Random(f"{self._seed} {name}")
        return Case(output, data, self._flags, folder / "logs", moments, self._start)

    def _copy_images(self, target):
        for split, count in COUNTS.items():
            for name in self._classes:
                (target / split / name).mkdir(parents=True)
                for path in sorted((self._data / split / name).iterdir())[:count]:
                    shutil.copy(path, target / split / name)

    def _finish(self, name, case, process):
        ended = process.ended()
        if ended.code:
            raise RuntimeError(f"A run without a fault failed. Received: {ended.line}")
        scores = json.loads((case.folder.output / "model.json").read_text())["scores"]
        if scores["tuning"]["kept_stage"] == "solved":
            raise RuntimeError(
                "The weights before fine-tuning validated best, and would tell nothing of it: "
                f"take other flags. Received: {self._flags}"
            )
        self.whole[name] = case.folder.output
