"""Completion of crosspool: the script of bash is asked as bash itself asks it."""

import re
import shutil
import subprocess

import pytest

from keras_crosspool.cli import VERBS
from keras_crosspool.completion import Flag, completion_script, read_flags, verb_flags

FLAGS = {
    **{verb: [] for verb in VERBS},
    "train": [Flag("model"), Flag("mirror", is_bool=True), Flag("solver", values=("ridge", "svm"))],
    "export": [Flag("formats"), Flag("output")],
    "export onnx": [Flag("precision", values=("float32", "int8")), Flag("output")],
}
ASK = """
source "$1"; COMP_LINE="$2"; COMP_POINT=${#COMP_LINE}; COMP_WORDBREAKS="$3"; shift 3
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_crosspool || exit 3
printf "%s\\n" "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture
def complete(tmp_path):
    """A function that gives what bash offers for a line, with `=` parting words or not."""
    script = tmp_path / "crosspool.sh"
    script.write_text(completion_script("bash", FLAGS))

    def ask(line, parts_at_equals=True):
        pattern = r"=|[^\s=]+" if parts_at_equals else r"\S+"
        words = re.findall(pattern, line)
        if line[-1].isspace() or (parts_at_equals and line[-1] == "="):
            words.append("")
        breaks = " =" if parts_at_equals else " "
        done = subprocess.run(
            ["bash", "-c", ASK, "bash", script, line, breaks, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("crosspool ", dict.fromkeys(verb.split()[0] for verb in VERBS)),
        ("crosspool ex", ["extract", "extract-beam", "export"]),
        ("crosspool export ", ["tflite", "onnx", "tensorrt", "savedmodel", "openvino"]),
        ("crosspool export --", ["--formats=", "--output="]),
        ("crosspool export onnx --", ["--precision=", "--output="]),
        ("crosspool export onnx --output=x --pre", ["--precision="]),
        ("crosspool completion ", ["bash", "zsh"]),
        ("crosspool train --m", ["--model=", "--mirror"]),
        ("crosspool train --nom", ["--nomirror"]),
        ("crosspool launch -- --sol", ["--solver="]),
        ("crosspool trian --", [""]),
        ("crosspool train --output=crossp", ["crosspool.sh"]),
        ("crosspool predict crossp", ["crosspool.sh"]),
    ],
)
def test_bash_completes(complete, line, answers):
    assert complete(line) == [x for x in answers if x]


@pytest.mark.parametrize("parts_at_equals", [True, False])
def test_bash_completes_values(complete, parts_at_equals):
    start = "" if parts_at_equals else "--solver="
    values = complete("crosspool train --solver=", parts_at_equals)
    assert values == [f"{start}ridge", f"{start}svm"]
    assert complete("crosspool train --solver=s", parts_at_equals) == [f"{start}svm"]
    start = "" if parts_at_equals else "--precision="
    assert complete("crosspool export onnx --precision=i", parts_at_equals) == [f"{start}int8"]


def test_flags_are_those_of_the_main():
    flags = {flag.name: flag for flag in verb_flags("export onnx")}
    assert flags["precision"].values == ("float32", "float16", "int8")
    assert flags["allow_slower"].is_bool
    assert not flags["output"].is_bool
    assert not {"help", "verbosity", "logtostderr"} & set(flags)


def test_values_that_a_shell_would_run_are_left_out():
    text = """<AllFlags><flag><key>yes</key><name>a</name><type>string enum</type>
    <enum_value>$(rm x)</enum_value><enum_value>coarse+fine</enum_value></flag></AllFlags>"""
    assert read_flags(text) == [Flag("a", values=("coarse+fine",))]


def test_the_command_prints_a_script(run_main, tmp_path):
    done = run_main("keras_crosspool.cli", "completion", "bash")
    assert done.returncode == 0, done.stderr
    assert "'train') echo" in done.stdout
    assert "--val_split=" in done.stdout
    checked = subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False)
    assert checked.returncode == 0


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
def test_zsh_reads_its_script():
    script = completion_script("zsh", FLAGS)
    assert subprocess.run(["zsh", "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize("arguments", [[], ["fish"], ["bash", "zsh"]])
def test_an_unknown_shell_is_one_line(run_main, arguments):
    done = run_main("keras_crosspool.cli", "completion", *arguments)
    assert done.returncode == 2
    received = " ".join(arguments) or "none"
    assert f"Expected the name of a shell: bash or zsh. Received: {received}" in done.stderr
