"""The restricted reader of legacy PyTorch checkpoints: right numbers, and nothing run."""

import collections
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from keras_crosspool.backbones.torch_checkpoint import read_checkpoint

MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    def __init__(self, key, kind, numbers):
        self.key, self.kind, self.numbers = key, kind, numbers


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


class StoragePickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", obj.kind, obj.key, "cpu", len(obj.numbers), None)
        return None


@pytest.fixture
def torch_names(monkeypatch):
    """Stands in for PyTorch where the pickler looks up the names it writes."""

    def name(module, attribute):
        value = types.new_class(attribute)
        value.__module__, value.__qualname__ = module, attribute
        return value

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(torch, kind, name("torch", kind))
    for function in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        setattr(utils, function, name("torch._utils", function))
    torch._utils = utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


def write_checkpoint(path, state, storages=(), protocol=1001):
    with open(path, "wb") as file:
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
        for part in (MAGIC, protocol, system):
            pickle.dump(part, file, protocol=2)
        StoragePickler(file, protocol=2).dump(state)
        pickle.dump([storage.key for storage in storages], file, protocol=2)
        for storage in storages:
            file.write(len(storage.numbers).to_bytes(8, "little") + storage.numbers.tobytes())
    return path


def tensor(torch, storage, offset, shape, strides):
    hooks = collections.OrderedDict()
    return Call(torch._utils._rebuild_tensor_v2, storage, offset, shape, strides, False, hooks)


def test_reads_shapes_types_strides_and_shared_storages(tmp_path, torch_names):
    numbers = np.arange(24, dtype="<f4") / 7
    floats = Storage("0", torch_names.FloatStorage, numbers)
    count = Storage("1", torch_names.LongStorage, np.array([-5], "<i8"))
    halves = Storage("2", torch_names.HalfStorage, np.array([0.5, 1.5], "<f2"))
    state = collections.OrderedDict(
        whole=tensor(torch_names, floats, 0, (2, 3, 4), (12, 4, 1)),
        transposed=tensor(torch_names, floats, 0, (4, 6), (1, 4)),
        tail=tensor(torch_names, floats, 20, (4,), (1,)),
        scalar=tensor(torch_names, count, 0, (), ()),
        half=tensor(torch_names, halves, 0, (2,), (1,)),
    )
    path = write_checkpoint(tmp_path / "a.pth", state, [floats, count, halves])

    read = read_checkpoint(path)

    assert list(read) == ["whole", "transposed", "tail", "scalar", "half"]
    np.testing.assert_array_equal(read["whole"], numbers.reshape(2, 3, 4))
    np.testing.assert_array_equal(read["transposed"], numbers.reshape(6, 4).T)
    np.testing.assert_array_equal(read["tail"], numbers[20:])
    assert read["scalar"] == -5
    assert read["scalar"].dtype == np.int64
    assert read["half"].dtype == np.float16
    assert read["half"].tolist() == [0.5, 1.5]


@pytest.mark.parametrize(("offset", "shape", "strides"), [(20, (5,), (1,)), (0, (2,), (-1,))])
def test_refuses_views_outside_the_storage(tmp_path, torch_names, offset, shape, strides):
    storage = Storage("0", torch_names.FloatStorage, np.zeros(24, "<f4"))
    state = {"a": tensor(torch_names, storage, offset, shape, strides)}
    path = write_checkpoint(tmp_path / "a.pth", state, [storage])
    with pytest.raises(ValueError, match="damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize("place", ["protocol", "state", "value", "list"])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, place):
    marker = tmp_path / "was_run"
    attack = Call(os.system, f"touch {marker}")
    states = {"state": attack, "value": {"a": attack}, "list": {"a": [1, attack]}}
    protocol = attack if place == "protocol" else 1001
    path = write_checkpoint(tmp_path / "a.pth", states.get(place, {}), protocol=protocol)
    with pytest.raises(ValueError, match=rf"{os.name}.system.*refused.*Received: {path}"):
        read_checkpoint(path)
    assert not marker.exists()
    with open(path, "rb") as file:  # The attack is a real one: plain pickle runs it.
        for _ in range(4):
            pickle.load(file)
    assert marker.exists()


@pytest.mark.parametrize(
    "call", [Call(eval, "1"), Call(getattr, dict, "fromkeys"), Call(bytearray)]
)
def test_other_names_are_refused(tmp_path, call):
    path = write_checkpoint(tmp_path / "a.pth", {"a": call})
    with pytest.raises(ValueError, match="refused"):
        read_checkpoint(path)


def test_a_name_of_torch_outside_the_list_is_refused(tmp_path, torch_names):
    call = Call(torch_names._utils._rebuild_parameter, 1)
    path = write_checkpoint(tmp_path / "a.pth", {"a": call})
    with pytest.raises(ValueError, match=r"_rebuild_parameter.*refused"):
        read_checkpoint(path)


def test_only_tensors_may_be_held(tmp_path):
    path = write_checkpoint(tmp_path / "a.pth", {"a": 3})
    with pytest.raises(ValueError, match="'a' is not a named tensor"):
        read_checkpoint(path)


def test_every_truncation_and_every_surplus_is_told(tmp_path, torch_names):
    storage = Storage("0", torch_names.FloatStorage, np.zeros(8, "<f4"))
    state = {"a": tensor(torch_names, storage, 0, (8,), (1,))}
    content = write_checkpoint(tmp_path / "a.pth", state, [storage]).read_bytes()
    broken = tmp_path / "broken.pth"
    for length in range(len(content)):
        broken.write_bytes(content[:length])
        with pytest.raises(ValueError, match="Received: "):
            read_checkpoint(broken)
    broken.write_bytes(content + b"\0")
    with pytest.raises(ValueError, match="bytes left"):
        read_checkpoint(broken)


def test_damaged_bytes_raise_value_error_or_give_arrays(tmp_path, torch_names):
    storage = Storage("0", torch_names.FloatStorage, np.zeros(8, "<f4"))
    state = {"a": tensor(torch_names, storage, 0, (8,), (1,))}
    content = write_checkpoint(tmp_path / "a.pth", state, [storage]).read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] = random.integers(256)
        (tmp_path / "damaged.pth").write_bytes(damaged)
        try:
            read = read_checkpoint(tmp_path / "damaged.pth")
        except ValueError:
            refused += 1
        else:
            assert all(isinstance(value, np.ndarray) for value in read.values())
    assert refused > 100


def test_the_zip_format_is_named(tmp_path):
    path = tmp_path / "new.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(ValueError, match=r"zip format.*_use_new_zipfile_serialization=False"):
        read_checkpoint(path)


def test_other_files_are_named(tmp_path):
    path = tmp_path / "image.pth"
    path.write_bytes(b"\xff\xd8\xff\xe0 no checkpoint")
    with pytest.raises(ValueError, match=rf"legacy PyTorch checkpoint.*Received: {path}"):
        read_checkpoint(path)
