"""Commands on images with odd names and on files that are no images."""

import json
import os
import shutil

import pytest

PREDICT, EVALUATE = "keras_crosspool.predict", "keras_crosspool.evaluate"


@pytest.fixture(scope="module")
def runs(fork_mains, model_directory, tiny_folder, tmp_path_factory):
    """All runs, and the folder with the images."""
    folder = tmp_path_factory.mktemp("odd")
    photos = sorted((tiny_folder / "test" / "Orange").iterdir())
    named = folder / os.fsdecode(b"caf\xe9.jpg")
    shutil.copy(photos[0], named)
    pipe = folder / "pipe.jpg"
    os.mkfifo(pipe)
    data = folder / "data" / "test"
    for name in ("Anjou", "Arla-Standard-Milk", "Orange"):
        shutil.copytree(tiny_folder / "test" / name, data / name)
    (data / "Orange" / "photo.cr2").write_bytes(b"x")
    os.mkfifo(data / "Anjou" / "pipe.jpg")
    predict = (PREDICT, f"--model={model_directory}", f"--json={folder}/found.json", named, pipe)
    evaluate = (EVALUATE, f"--model={model_directory}", f"--data={folder}/data")
    processes = fork_mains(
        {
            "predict": (*predict, "--skip_broken"),
            "refused": predict,
            "too large": (*predict[:-1], "--max_megapixels=0.01"),
            "evaluate": (*evaluate, "--skip_broken", f"--json={folder}/scores.json"),
        }
    )
    return processes, folder


def test_predict_leaves_out_what_is_no_image(runs):
    done = runs[0]["predict"]
    assert done.returncode == 0, done.stderr
    assert f"{runs[1]}/caf\\udce9.jpg" in done.stdout
    assert f"Received: {runs[1]}/pipe.jpg, which is a pipe" in done.stderr
    (found,) = json.loads((runs[1] / "found.json").read_text())
    assert found["path"] == f"{runs[1]}/caf\\udce9.jpg"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("refused", "pipe.jpg, which is a pipe (FIFO)"),
        ("too large", "caf\\udce9.jpg"),
    ],
)
def test_one_clear_line_and_exit_code_2(runs, case, words, tried):
    done = runs[0][case]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line.endswith(words)
    tried("images", f"predict of an image that is {case}", line)


def test_evaluate_says_what_it_used(runs):
    done = runs[0]["evaluate"]
    assert done.returncode == 0, done.stderr
    left_out = {".cr2": 1, "not a regular file": 1}
    line = "test: 12 images; left out: " + ", ".join(f"{n} {why}" for why, n in left_out.items())
    assert line in done.stdout
    scores = json.loads((runs[1] / "scores.json").read_text())
    assert (scores["images"], scores["left_out"]) == (12, left_out)
