"""Parity: the figures against NumPy, and damage that every tolerance has to catch."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from keras_crosspool.exporting.images import Images, read_images
from keras_crosspool.exporting.parity import Comparator, ParityError
from keras_crosspool.exporting.parity_result import DESCRIPTOR_TOLERANCES, TOLERANCES, ParityResult
from keras_crosspool.exporting.runners import KerasRunner

PRECISIONS = tuple(TOLERANCES)


def test_figures_follow_their_formulas():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(9, 7))
    logits = reference + 0.3 * rng.normal(size=(9, 7))
    labels = rng.integers(0, 7, 9)
    result = ParityResult.measure(reference, logits, labels, TOLERANCES["int8"])

    cosines, agreed, among_five, right = [], 0, 0, 0
    mean = [sum(reference[:, c]) / 9 for c in range(7)]
    for a, b, label in zip(reference, logits, labels, strict=True):
        dot = sum((x - m) * (y - m) for x, y, m in zip(a, b, mean, strict=True))
        first = sum((x - m) ** 2 for x, m in zip(a, mean, strict=True))
        second = sum((y - m) ** 2 for y, m in zip(b, mean, strict=True))
        cosines.append(dot / (first * second) ** 0.5)
        best = max(range(7), key=lambda c: b[c])
        agreed += best == max(range(7), key=lambda c: a[c])
        among_five += best in sorted(range(7), key=lambda c: -a[c])[:5]
        right += best == label
    assert result.cosine["worst"] == pytest.approx(min(cosines))
    assert result.cosine["median"] == pytest.approx(sorted(cosines)[4])
    assert result.agreement == pytest.approx(agreed / 9)
    assert result.top5_agreement == pytest.approx(among_five / 9)
    assert result.score == pytest.approx(right / 9)
    largest = max(abs(x - y) for x, y in zip(reference.flat, logits.flat, strict=True))
    assert result.max_abs == pytest.approx(largest)
    spread = max(reference.flat) - min(reference.flat)
    assert result.max_abs_of_range == pytest.approx(largest / spread)


def test_a_copy_passes_every_tolerance(comparator):
    reference, labels = comparator.reference, comparator.images.labels
    for tolerance in TOLERANCES.values():
        result = ParityResult.measure(reference, reference.copy(), labels, tolerance)
        assert result
        assert result.failures == ()
        assert result.to_dict()["status"] == "passed"


def test_logits_that_never_change_agree_with_themselves_alone():
    constant = np.tile(np.arange(4.0), (8, 1))
    labels = np.zeros(8, int)
    same = ParityResult.measure(constant, constant + 1e-9, labels, TOLERANCES["float32"])
    assert same
    assert same.cosine["worst"] == pytest.approx(1.0)
    varied = constant + 0.1 * np.random.default_rng(0).normal(size=constant.shape)
    other = ParityResult.measure(constant, varied, labels, TOLERANCES["int8"])
    assert abs(other.cosine["worst"]) < 1e-3


@pytest.mark.parametrize(("lost", "passes"), [(1, True), (2, False)])
def test_one_wrong_image_is_no_evidence(lost, passes):
    reference = np.eye(8) + 0.1
    logits = reference.copy()
    logits[:lost] = np.roll(logits[:lost], 1, axis=1)
    result = ParityResult.measure(reference, logits, np.arange(8), TOLERANCES["int8"])
    assert result.score == pytest.approx(1 - lost / 8)
    assert passes == (not any("accuracy" in failure for failure in result.failures))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_logit_that_is_no_number_fails(comparator, value):
    logits = comparator.reference.copy()
    logits[3, 5] = value
    result = ParityResult.measure(
        comparator.reference, logits, comparator.images.labels, TOLERANCES["int8"]
    )
    assert not result
    assert result.not_finite == 1
    assert "1 values are NaN or infinite" in result.failures[0]
    assert np.isfinite(result.max_abs)


def test_shuffled_images_fail(comparator):
    result = ParityResult.measure(
        comparator.reference,
        np.roll(comparator.reference, 1, axis=0),
        comparator.images.labels,
        TOLERANCES["int8"],
    )
    assert not result


def _swap_colours(pixels):
    return pixels[..., ::-1]


def _scale_to_one(pixels):
    return pixels / 255


def _scale_around_zero(pixels):
    return pixels / 127.5 - 1


@pytest.mark.parametrize("change", [_swap_colours, _scale_to_one, _scale_around_zero])
def test_wrong_preprocessing_fails_every_tolerance(source, comparator, change):
    with KerasRunner(source.model) as runner:
        logits = runner.run(change(comparator.images.pixels.astype("float32")))
    _assert_all_fail(comparator, logits)


def _zero_an_eighth(kernel):
    kernel = kernel.copy()
    kernel[..., : kernel.shape[-1] // 8] = 0
    return kernel


def _add_noise(kernel):
    noise = np.random.default_rng(0).normal(size=kernel.shape)
    return kernel + 0.3 * kernel.std() * noise


@pytest.mark.parametrize("change", [_zero_an_eighth, _add_noise])
def test_one_damaged_layer_fails_every_tolerance(source, comparator, damaged, change):
    broken = damaged(source, "block3a_expand_conv", change)
    with KerasRunner(broken.model) as runner:
        _assert_all_fail(comparator, runner.run(comparator.images.pixels))


def _assert_all_fail(comparator, logits):
    for precision in PRECISIONS:
        result = ParityResult.measure(
            comparator.reference, logits, comparator.images.labels, TOLERANCES[precision]
        )
        assert not result, precision


def test_the_comparator_says_what_is_beyond(small_source, small_comparator, damaged):
    broken = damaged(small_source, "body", np.zeros_like)
    with (
        KerasRunner(broken.model, name="broken") as runner,
        pytest.raises(ParityError, match=r"worst cosine is .* at least 0\.9999 needed.*broken"),
    ):
        small_comparator.demand(runner, "float32")


def test_any_batch_is_compared_at_two_sizes(small_source, small_comparator):
    sizes = set()

    class Runner(KerasRunner):
        def _infer(self, batch):
            sizes.add(len(batch))
            return super()._infer(batch)

    with Runner(small_source.model) as runner:
        result = small_comparator.compare(runner, "float32")
    assert result
    assert sizes == {1, 16}
    assert (result.compared, result.batch_sizes) == (32, (1, 16))


def test_too_few_images_are_refused(small_source):
    images = read_images(small_source.metadata, "parity", limit=4)
    with pytest.raises(ValueError, match=r"at least 8 images.*Received: 4"):
        Comparator(images, small_source.model)


def test_images_come_from_the_validation_split(small_source):
    images = read_images(small_source.metadata, "parity", limit=16)
    assert (images.split, len(images.pixels)) == ("test", 16)
    assert sorted(images.labels) == list(range(16))


def test_absent_images_name_the_flags(metadata):
    with pytest.raises(ValueError, match=r"`parity_data=FOLDER`.*`parity=off`.*Received: nowhere"):
        read_images(metadata, "parity", data="nowhere")


def test_hashes_tell_images_apart():
    pixels = np.zeros((3, 4, 4, 3), "uint8")
    pixels[2, 1, 1, 0] = 1
    images = Images(pixels, np.zeros(3, int), "data", "train")
    first, second, third = images.hashes()
    assert first == second != third


def test_several_labels_are_compared_by_their_thresholds():
    rng = np.random.default_rng(0)
    labels = (rng.uniform(size=(20, 6)) < 0.3).astype(int)
    reference = 4 * labels - 3 + rng.normal(size=labels.shape)
    logits = reference + 4 * rng.normal(size=labels.shape)
    thresholds = rng.uniform(0.2, 0.5, 6)
    result = ParityResult.measure(reference, logits, labels, TOLERANCES["float32"], thresholds)
    first, second = (1 / (1 + np.exp(-x)) >= thresholds for x in (reference, logits))
    assert result.agreement == pytest.approx(
        2 * (first & second).sum() / (first.sum() + second.sum())
    )
    assert result.agreement < 0.98
    assert result.metric == "mean_average_precision"
    for score, x in ((result.reference_score, reference), (result.score, logits)):
        assert score == pytest.approx(average_precision_score(labels, x))
    assert {"agreement", "mean"} <= {failure.split()[0] for failure in result.failures}
    same = ParityResult.measure(reference, reference, labels, TOLERANCES["float32"], thresholds)
    assert same
    assert same.agreement == 1


def test_descriptors_are_compared_by_what_they_find():
    """Four images by hand: the third is searched for and finds the first in place of the second."""
    reference = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]])
    found = reference.copy()
    found[2] = [0.98, 0.2]
    labels = np.array([0, 1, 1, 0])
    result = ParityResult.measure_descriptors(reference, found, labels, TOLERANCES["float32"])
    # The nearest other images are 3, 2, 3 and 2; the changed one finds 0.
    assert (result.agreement, result.score, result.reference_score) == (0.75, 0.5, 0.5)
    # Its similarities were 0.6, 0.8 and 0.96; they are 0.98, 0.2 and 0.904. Theirs stay.
    assert result.max_abs == pytest.approx(0.6)
    assert result.max_abs_of_range == pytest.approx(0.6 / 0.96)
    assert result.mean_abs == pytest.approx((0.38 + 0.6 + 0.056) / 12)
    assert not result


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_damaged_embedders_fail(small_source, small_comparator, damaged, precision):
    comparator = Comparator.of(small_source.embedder(), small_comparator.images)
    with KerasRunner(small_source.embedder().model) as runner:
        assert comparator.compare(runner, precision)
    noise = np.random.default_rng(0).normal(size=1000)
    broken = damaged(
        small_source, "body", lambda kernel: kernel * (1 + np.resize(noise, kernel.shape))
    )
    with KerasRunner(broken.embedder().model) as runner:
        assert not comparator.compare(runner, precision)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int8"])
def test_damaged_embedders_of_a_real_network_fail(source, comparator, precision):
    """Swapped colours, which change half of the answers of the classifier."""
    embedder = Comparator.of(source.embedder(), comparator.images)
    swapped = comparator.images.pixels[..., ::-1]
    with KerasRunner(source.embedder().model) as runner:
        found = runner.run(swapped)
    tolerance = DESCRIPTOR_TOLERANCES[precision]
    labels = comparator.images.labels
    assert not ParityResult.measure_descriptors(embedder.reference, found, labels, tolerance)
