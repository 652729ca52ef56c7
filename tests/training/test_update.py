"""An update is the joint solve: kernel, bias and scores, without the old images."""

import collections
import dataclasses
import errno
import os
import shutil

import numpy as np
import pytest

from keras_crosspool import load_model
from keras_crosspool.config import TrainingConfig
from keras_crosspool.config.update_config import UpdateConfig
from keras_crosspool.training.kept_descriptors import read_kept_descriptors
from keras_crosspool.training.train import train
from keras_crosspool.training.updating import update
from tests.small_options import SMALL_NETWORK

SMALL = SMALL_NETWORK | {"guidance_epochs": 2, "keep_descriptors": True}
OLD, NEW = ("Anjou", "Arla-Standard-Milk", "Orange"), "Nectarine"


@pytest.fixture(scope="module")
def folders(grocery, tmp_path_factory):
    """Photographs of three classes, of one more, and of both together."""
    root = tmp_path_factory.mktemp("update")
    for name, classes in {"old": OLD, "new": (NEW, "Orange"), "all": (*OLD, NEW)}.items():
        for label in classes:
            shown = sorted((grocery / "train" / label).iterdir())[:8]
            kept = {"old": shown[:5], "all": shown[:5], "new": shown[5:]}[name]
            kept = shown[:5] if (name, label) == ("new", NEW) else kept
            kept = shown if (name, label) == ("all", "Orange") else kept
            target = root / name / "train" / label
            target.mkdir(parents=True)
            for path in kept:
                shutil.copy(path, target)
    return root


@pytest.fixture(scope="module", params=["scheme1", pytest.param("both", marks=pytest.mark.heavy)])
def kept(request, folders):
    """A model of the old photographs, which are gone afterwards."""
    data = folders / f"gone_{request.param}"
    shutil.copytree(folders / "old", data)
    output = folders / f"model_{request.param}"
    options = SMALL | {"data": str(data), "scheme": request.param}
    options |= {"cache_dir": str(folders / "cache")}
    train(output, TrainingConfig.of(**options))
    shutil.rmtree(data)
    return output


def _config(kept, output, **options):
    return UpdateConfig(model=str(kept), output=str(output), **options)


def _joint(kept, folder, names):
    """The classifier of all images by the definition: centred ridge on the model's descriptors."""
    import keras

    from keras_crosspool.closed_form.views import Views
    from keras_crosspool.data import open_split

    model, _ = load_model(kept)
    basis = read_kept_descriptors(kept)
    extractor = keras.Model(model.input, model.descriptor)
    sizes = [branch.descriptor.shape[-1] for branch in model.branches]
    weights = np.repeat(basis.weights, sizes)
    split, rows, labels = open_split(str(folder), "train", names), [], []
    for images, of_images, _ in Views((1.0,), True).batches(split, 96):
        rows.append(weights * np.asarray(extractor.predict_on_batch(images), "float64"))
        labels.append(of_images)
    rows, targets = np.concatenate(rows), np.eye(len(names))[np.concatenate(labels)]
    centred = rows - rows.mean(axis=0)
    gram = centred @ centred.T + basis.alpha * np.eye(len(rows))
    scaled = centred.T @ np.linalg.solve(gram, targets - targets.mean(axis=0))
    bias = targets.mean(axis=0) - rows.mean(axis=0) @ scaled
    mean = np.average(rows, axis=0, weights=targets @ (1 / targets.sum(axis=0)))
    return weights[:, None] * scaled, bias, weights * mean


def _direction(kernel):
    """A kernel but for the temperature of its calibration."""
    return kernel / np.linalg.norm(kernel)


def test_classes_and_images_are_added_as_in_a_joint_solve(kept, folders, tmp_path):
    if "both" in kept.name:
        pytest.skip("views of whole images share the descriptor of their regions")
    metadata = update(_config(kept, tmp_path / "m", data=str(folders / "new")))
    model, _ = load_model(tmp_path / "m")
    assert model.class_names == metadata.class_names == (*OLD, NEW)
    kernel, bias, _, familiarity, _ = model.classifier.get_weights()
    expected, offset, mean = _joint(kept, folders / "all", (*OLD, NEW))
    temperature = np.linalg.norm(expected) / np.linalg.norm(kernel)
    # The definition is in double precision, the descriptors' products in single.
    assert np.linalg.norm(_direction(kernel) - _direction(expected)) < 1e-4
    assert np.linalg.norm(_direction(familiarity) - _direction(mean)) < 1e-5
    # Up to the centring of the scores, which is the same for all classes.
    moved = temperature * bias - offset
    np.testing.assert_allclose(moved, moved.mean(), atol=1e-4)


def test_the_kernel_is_that_of_one_solve_of_all_images(kept, folders, tmp_path):
    update(_config(kept, tmp_path / "m", data=str(folders / "new")))
    basis = read_kept_descriptors(tmp_path / "m")
    at_once = dataclasses.replace(
        basis,
        branches={
            name: dataclasses.replace(
                branch, descriptors=np.array(branch.descriptors), known_gram=None
            )
            for name, branch in basis.branches.items()
        },
    ).solve(4, 0.05)
    kernel = load_model(tmp_path / "m")[0].classifier.get_weights()[0]
    # Products of single precision, of a fit that interpolates; 3e-5 was found.
    assert np.linalg.norm(_direction(kernel) - _direction(at_once.kernel)) < 1e-4


def test_old_descriptors_take_no_more_room(kept, folders, tmp_path):
    """Two updates, each with a file of its own; the models are whole without each other."""
    update(_config(kept, tmp_path / "one", data=str(folders / "new")))
    update(_config(tmp_path / "one", tmp_path / "two", data=str(folders / "new")))
    file = "descriptors/pooling.npy"
    assert os.path.samefile(kept / file, tmp_path / "two" / file)
    one, two = (read_kept_descriptors(tmp_path / name) for name in ("one", "two"))
    shutil.rmtree(tmp_path / "one")
    rows = np.asarray(two.branches["pooling"].descriptors)
    assert [len(part) for part in two.branches["pooling"].descriptors.parts] == [
        len(one.branches["pooling"].descriptors.parts[0]),
        *[len(part) for part in one.branches["pooling"].descriptors.parts[1:]] * 2,
    ]
    expected = rows @ rows.T
    np.testing.assert_allclose(two.branches["pooling"].descriptor_gram, expected, atol=1e-5)
    again = read_kept_descriptors(tmp_path / "two").solve(4, 0.05)
    kernel = load_model(tmp_path / "two")[0].classifier.get_weights()[0]
    assert np.linalg.norm(_direction(kernel) - _direction(again.kernel)) < 1e-5


def test_descriptors_are_copied_where_a_disk_has_no_links(kept, folders, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    update(_config(kept, tmp_path / "m", data=str(folders / "new")))
    file = "descriptors/pooling.npy"
    assert (tmp_path / "m" / file).read_bytes() == (kept / file).read_bytes()
    assert not os.path.samefile(kept / file, tmp_path / "m" / file)


def test_the_record_says_what_was_done(kept, folders, tmp_path):
    metadata = update(_config(kept, tmp_path / "m", data=str(folders / "new")))
    (done,) = metadata.data["updates"]
    assert done["classes_added"] == [NEW]
    assert (done["images_added"], done["images"]) == (8, 23)
    assert metadata.scores.validation == {}
    assert 0.2 < done["variance_kept"] < 1
    assert metadata.scores.cross_validated["accuracy"] > 0.4
    assert metadata.rejection is not None


def test_adding_and_removing_comes_back_to_the_start(kept, folders, tmp_path):
    update(_config(kept, tmp_path / "more", data=str(folders / "new")))
    added = [f"Orange/{p.name}" for p in (folders / "new" / "train" / "Orange").iterdir()]
    table = tmp_path / "remove.csv"
    table.write_text("\n".join(["file", *added]))
    back = _config(
        tmp_path / "more",
        tmp_path / "back",
        remove_classes=(NEW,),
        remove_images=str(table),
    )
    assert update(back).class_names == OLD
    first, again = read_kept_descriptors(kept), read_kept_descriptors(tmp_path / "back")
    assert again.names == first.names
    np.testing.assert_array_equal(again.labels, first.labels)
    np.testing.assert_array_equal(again.images, first.images)
    for name, branch in first.branches.items():
        np.testing.assert_array_equal(again.branches[name].descriptors, branch.descriptors)
        np.testing.assert_allclose(
            again.branches[name].descriptor_gram, branch.descriptor_gram, rtol=1e-5, atol=1e-6
        )
    kernels = [
        load_model(path)[0].classifier.get_weights()[0] for path in (kept, tmp_path / "back")
    ]
    assert np.linalg.norm(_direction(kernels[0]) - _direction(kernels[1])) < 1e-5


def test_images_that_are_known_are_told(kept, folders, tmp_path, caplog):
    """And they are of their copies' sessions: nothing is judged by what was solved on its copy."""
    before = read_kept_descriptors(kept)
    metadata = update(_config(kept, tmp_path / "m", data=str(folders / "old")))
    assert "15 of the new images look exactly like old ones" in caplog.text
    after = read_kept_descriptors(tmp_path / "m")
    sessions = collections.defaultdict(set)
    for image, group in zip(after.images, after.groups, strict=True):
        sessions[after.names[image].rpartition("/train/")[2]].add(int(group))
    assert len(sessions) == 15
    assert all(len(groups) == 1 for groups in sessions.values())
    assert metadata.data["sessions"] == len(set(before.groups))


def test_classes_of_one_session_are_told_of_all_images(kept, folders, tmp_path, caplog):
    """The new photographs of Orange are of one session, and the model has others."""
    table = tmp_path / "groups.csv"
    files = sorted((folders / "new" / "train").rglob("*.jpg"))
    rows = [f"{path.relative_to(folders / 'new')},{path.parent.name}" for path in files]
    table.write_text("\n".join(["file,group", *rows]))
    update(_config(kept, tmp_path / "m", data=str(folders / "new"), groups=str(table)))
    assert "classes with photographs of one session alone: 1;" in caplog.text
    assert f"photograph them once more: {NEW}" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"added or removed.*Received: none of them"),
        ({"remove_classes": ("Plum",)}, r"no such class.*Received: remove_classes=Plum"),
        ({"remove_classes": OLD[:2]}, r"Two classes or more.*Received: Orange"),
        ({"remove_classes": OLD}, r"Nothing of the model.*all images are removed"),
        ({"data": "nowhere"}, r"no such folder.*Received: nowhere"),
    ],
)
def test_what_cannot_be_done_is_named(kept, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        update(_config(kept, tmp_path / "m", **options))
    assert not (tmp_path / "m").exists()


def test_the_old_model_is_not_replaced(kept):
    with pytest.raises(ValueError, match="The old model stays"):
        update(_config(kept, kept, remove_classes=("Orange",)))


def test_a_model_without_descriptors_is_named(model_directory, tmp_path):
    config = _config(model_directory, tmp_path / "m", remove_classes=("Orange",))
    with pytest.raises(ValueError, match=r"train it with keep_descriptors, .*\. Received: "):
        update(config)


@pytest.mark.parametrize("name", ["basis.json", "rows.npz", "pooling.npy", "pooling.gram.npy"])
def test_damaged_descriptors_are_named(kept, tmp_path, name):
    if "both" in kept.name:
        pytest.skip("one scheme will do")
    shutil.copytree(kept, tmp_path / "spoilt")
    path = tmp_path / "spoilt" / "descriptors" / name
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ValueError, match=r"damaged.*Received: "):
        read_kept_descriptors(tmp_path / "spoilt")


def test_several_labels_an_image(kept, folders, tmp_path):
    """Columns of new labels are zero for the old images; a removed label leaves its images."""
    basis = read_kept_descriptors(kept)
    hot = np.eye(3, dtype="uint8")[basis.labels]
    several = dataclasses.replace(basis, labels=np.pad(hot, ((0, 0), (0, 1))))
    extra = several.kept(np.isin(several.images, np.arange(5)))
    joined = several.joined(extra)
    assert joined.labels.shape == (len(hot) + len(extra.labels), 4)
    solved = joined.solve(4, 0.05)
    assert solved.kernel.shape[1] == 4
    assert solved.rejection is None
