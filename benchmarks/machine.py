"""What a figure was measured on: processor, memory, GPUs, system, library versions."""

import os
import pathlib
import platform
import shutil
import subprocess

_PACKAGES = (
    "keras_crosspool",
    "keras",
    "tensorflow",
    "tensorflow_cpu",
    "ai_edge_litert",
    "onnxruntime",
    "tensorrt",
    "tensorrt_rtx",
    "numpy",
)


def machine_info():
    """The machine as plain data.

    Returns:
        dict with `cpu`, the model's name; `cores`, those this process may use; `memory_gb`;
        `gpus`, a list of names; `system` and `python`.
    """
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpus": gpu_names(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def machine_line(machine):
    """What `machine_info` gives, in one line."""
    parts = [machine["cpu"], f"{machine['cores']} cores", f"{machine['memory_gb']} GB"]
    return ", ".join([*parts, *(machine["gpus"] or ["no GPU"])])


def library_versions():
    """Installed library to version, of those that a latency depends on."""
    from keras_crosspool.versions import package_versions

    return package_versions(*_PACKAGES)


def gpu_names():
    """Names of the NVIDIA GPUs that the driver shows; empty without a driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    # Without a working driver the tool itself fails, which means no GPU.
    return listed.stdout.split("\n")[:-1] if listed.returncode == 0 else []


def memory_bytes(field, process="self"):
    """A memory figure of a process as Linux keeps it.

    `getrusage` is of no use: its peak survives `exec`, so a child starts with its parent's.

    Args:
        field: `"VmRSS"`, resident memory now, or `"VmHWM"`, its peak.
        process: int, the number of a process that runs. Defaults to this one.

    Returns:
        int, bytes.
    """
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"Expected VmRSS or VmHWM. Received: {field}")


def _cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
