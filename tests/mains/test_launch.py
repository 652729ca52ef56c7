"""The launcher, as a user runs it: bad input, and a worker that fails."""

import re

LAUNCH = "keras_crosspool.launch"


def test_one_worker_is_no_launch(run_main):
    done = run_main(LAUNCH, "--workers=1")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert re.search(r"workers.*lower bound|workers.*2", line)


def test_each_worker_says_what_is_wrong(run_main, tmp_path):
    """The launcher ends with the code of the worker that failed, and says so in its words."""
    done = run_main(LAUNCH, "--workers=2", "--", f"--output={tmp_path / 'model'}", "--epochs=few")
    assert done.returncode == 2
    for worker in (0, 1):
        assert re.search(rf"^\[worker {worker}\] error: .*epochs.*few", done.stdout, re.MULTILINE)
    assert not list(tmp_path.iterdir())
