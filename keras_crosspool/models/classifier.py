"""The classifier: a backbone, the descriptors of its branches and a linear layer."""

import keras

from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.models.branched_model import BranchedModel
from keras_crosspool.models.branches import branch_config, restore_branch
from keras_crosspool.models.limited_dense import LimitedDense


@keras.saving.register_keras_serializable(package="keras_crosspool")
class CrossPoolClassifier(BranchedModel):
    """Tells look-alike classes apart by cross-layer pooling: a functional Keras model.

    `from_backbone` builds one. `solve` fits it in closed form, in seconds. `fit`, `evaluate` and
    `predict` are those of Keras; it comes compiled with AdamW and the loss of its labels, and
    `compile` takes any other. `save` writes what `keras.saving.load_model` reads.

    Args:
        image: symbolic input, `(batch, image_size, image_size, 3)`.
        branches: sequence of `Branch` on that input; their descriptors are concatenated.
        class_names: sequence of str, in the order of the logits.
        task: `"single_label"`, one class an image, or `"multi_label"`, any number of labels.
            Defaults to `"single_label"`.
        thresholds: sequence of float, the probability from which each label of several is said to
            be there. Defaults to `None`, one half.
        logits: a last layer of your own; `solve` needs a `LimitedDense`. Defaults to one.
        baseline_maps: symbolic map whose average over positions is the baseline. Defaults to the
            one that the first branch names.
        name: str. Defaults to `"cross_pool_classifier"`.

    Attributes:
        backbone: functional `keras.Model` from images to the map that the branches read last.
        branches: tuple of `Branch`.
        descriptor: symbolic `(batch, dims)`, what the classifier sees.
        head_layers: tuple of layers, those on top of the backbone.
        classifier: `LimitedDense`, from descriptors to logits.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255.

    Output shape:
        `(batch, num_classes)`, logits.

    Reference:
        Liu, Shen and van den Hengel, "Cross-convolutional-layer Pooling for Image Recognition",
        arXiv 1510.00921.

    Example:

    >>> names = ["apple", "pear"]
    >>> model = CrossPoolClassifier.from_backbone(
    ...     "MobileNetV2", names, image_size=96, weights=None, feature_channels=4
    ... )
    >>> images, labels = np.random.randint(0, 256, (6, 96, 96, 3)), np.array([0, 1] * 3)
    >>> report = model.solve(images, labels)
    >>> model.predict(images, verbose=0).shape
    (6, 2)
    """

    optimizer_was_built = False  # when it was saved

    def __init__(
        self,
        image,
        branches,
        class_names,
        task="single_label",
        thresholds=None,
        logits=None,
        baseline_maps=None,
        name="cross_pool_classifier",
    ):
        classifier = logits or LimitedDense(len(class_names), name="logits")
        super().__init__(image, branches, classifier, baseline_maps, name)
        self.class_names = tuple(class_names)
        self.task = task
        self.thresholds = None if thresholds is None else tuple(map(float, thresholds))

    @classmethod
    def from_backbone(
        cls,
        backbone,
        class_names=None,
        num_classes=None,
        scheme="scheme1",
        image_size=None,
        weights="imagenet",
        task="single_label",
        name=None,
        **options,
    ):
        """Builds a classifier on a backbone.

        Args:
            backbone: str, as `keras_crosspool.backbones.list_backbones()` gives it; a `Backbone`;
                or any functional `keras.Model` of your own that takes RGB images of 0-255, with
                the two feature maps named by `features_layer` and `guidance_layer`.
            class_names: sequence of str, in the order of the labels. Defaults to the numbers
                from 0 to `num_classes - 1`.
            num_classes: int, where no names are given.
            scheme: str, defaults to `"scheme1"`; one of

                - `"scheme1"`: windows of one layer, pooled with the next layer;
                - `"scheme2"`: a grid of regions, pooled with a guidance layer that is trained;
                - `"both"`: the two together;
                - `"scheme1_2x"`, `"scheme1_earlier"`: scheme 1 on twice the image, on larger maps;
                - `"scheme1+scheme1_2x"`, `"scheme1+scheme1_earlier"`: that and scheme 1;
                - `"global_average"`, `"region_average"`: the baselines of the two schemes.
            image_size: int, side of the images in pixels. Defaults to the backbone's own.
            weights: `"imagenet"`, the path of a weights file, or `None` for random weights.
                Defaults to `"imagenet"`. A model of your own keeps its weights.
            task: `"single_label"` or `"multi_label"`. Defaults to `"single_label"`.
            name: str. Defaults to backbone and scheme, such as `"EfficientNetLite0-scheme1"`.
            **options: fields of `SchemeConfig`, such as `window_size=3`, `feature_channels=256`,
                `features_layer` and `guidance_layer`.

        Returns:
            A `CrossPoolClassifier`, compiled. Its classifier is random until `solve` or `fit`.

        Raises:
            ValueError: if a name is unknown, the classes are not given, or the scheme does not fit
                the feature maps or the image size.

        Example:

        >>> model = CrossPoolClassifier.from_backbone("EfficientNetLite0", num_classes=3)
        >>> [branch.name for branch in model.branches], model.descriptor.shape
        (['pooling'], (None, 65536))
        """
        from keras_crosspool.config.scheme_config import SchemeConfig
        from keras_crosspool.environment import check_keras_settings
        from keras_crosspool.models.checks import check_task, checked_names
        from keras_crosspool.models.own_backbone import as_backbone
        from keras_crosspool.models.schemes import build_branches

        check_keras_settings()
        class_names = checked_names(class_names, num_classes)
        check_task(task)
        options = SchemeConfig(**options)
        backbone = as_backbone(backbone, image_size, weights, options)
        branches = build_branches(backbone, scheme, options)
        on_grid = all(branch.grid is not None for branch in branches)
        model = cls(
            backbone.input,
            branches,
            class_names,
            task,
            baseline_maps=None if on_grid else backbone.model.outputs[0],
            name=name or f"{backbone.name}-{scheme.replace('+', '_')}",
        )
        model.compile_by_default()
        return model

    def on_branches(self, branches, name):
        """A classifier of its own on other branches of the same input; they share their layers.

        Args:
            branches: sequence of `Branch` on this model's input.
            name: str.
        """
        return CrossPoolClassifier(
            self.inputs[0],
            tuple(branches),
            self.class_names,
            self.task,
            baseline_maps=self._parts.baseline_maps,
            name=name,
        )

    def on_network(self, network):
        """The same classifier on a copy of its network; the last layer has new weights.

        Args:
            network: functional `keras.Model` with layers of the same names as `network`.
        """
        branches = [restore_branch(branch_config(branch), network) for branch in self.branches]
        return CrossPoolClassifier(
            network.inputs[0],
            branches,
            self.class_names,
            self.task,
            self.thresholds,
            type(self.classifier).from_config(self.classifier.get_config()),
            name=self.name,
        )

    def baseline(self):
        """The average over positions that this model is to be compared with, as a classifier.

        It shares the maps that this model computes anyway: the global average of the backbone, or
        for a model on region grids alone the average of the regions. A `CrossPoolClassifier`.
        """
        grid = None
        maps = self._parts.baseline_maps
        if maps is None:
            plain = [branch for branch in self.branches if branch.grid is None]
            chosen = (plain or self.branches)[0]
            maps, grid = chosen.baseline_maps(), chosen.grid
        return self.on_branches([AverageBranch.build(maps, grid)], f"{self.name}-baseline")

    def compile_by_default(self):
        """Compiles the model for the labels of its task, as `from_backbone` does.

        AdamW with a learning rate of 1e-5, since a solved classifier is near its best and a larger
        one would leave it; the cross-entropy of integer labels and their accuracy, or for several
        labels the binary cross-entropy and the area under the precision-recall curve.
        """
        from keras_crosspool.targets import TARGETS

        targets = TARGETS[self.task]
        self.compile(
            optimizer=keras.optimizers.AdamW(1e-5),
            loss=targets.integer_loss(),
            metrics=targets.integer_metrics(len(self.class_names)),
        )

    def solve(self, x, y=None, groups="auto", **options):
        """Fits the head in closed form: projections, guidance and the calibrated classifier.

        Every image is seen whole and as a central crop, each mirrored as well. Cross-validation by
        sessions chooses alpha. The global average is solved beside it as the baseline.

        Args:
            x: images, float or uint8 `(n, height, width, 3)`, RGB, 0-255; or a `tf.data.Dataset`,
                a `keras.utils.PyDataset` or any iterable of `(images, labels)` batches; or a
                `Split`, from `open_split`. Other sizes than the model's are resized.
            y: labels, int `(n,)`, one-hot, or for several labels multi-hot `(n, num_classes)`;
                with images as an array alone.
            groups: the session of each image, `(n,)`, such as the day it was taken at; a table
                `file,group`; `None`; or `"auto"`, see `keras_crosspool.sessions`. Defaults to that.
            **options: fields of `SolverConfig` and `GuidanceConfig` of `keras_crosspool.config`,
                such as `method="svm"`, `crop_scales=(1.0,)` or `batch_size=32`.

        Returns:
            `SolveReport`: alpha, cross-validated scores, those of the baseline, seconds.

        Raises:
            ValueError: if images, labels or groups are not as expected.
        """
        from keras_crosspool.closed_form.solve import solve
        from keras_crosspool.config.guidance_config import GuidanceConfig
        from keras_crosspool.config.option import split_options
        from keras_crosspool.config.solver_config import SolverConfig
        from keras_crosspool.data.array_images import labelled_images
        from keras_crosspool.sessions import with_sessions

        solver, guidance = split_options(options, SolverConfig, GuidanceConfig)
        images = with_sessions(labelled_images(x, y, self.class_names, self.task), groups)
        return solve(self, images, solver, guidance)

    def to_keep(self, class_names, task, thresholds, classifier=None):
        """The same classifier, sharing all layers, without optimizer: what is worth keeping.

        Args:
            class_names: sequence of str, in the order of the logits.
            task: str.
            thresholds: sequence of float, or `None`.
            classifier: `LimitedDense` in place of the last layer. Defaults to none.
        """
        return CrossPoolClassifier(
            self.inputs[0],
            self.branches,
            class_names,
            task,
            thresholds,
            classifier or self.classifier,
            self._parts.baseline_maps,
            self.name,
        )

    def get_config(self):
        return {
            "name": self.name,
            "network": keras.saving.serialize_keras_object(self.network),
            "branches": [branch_config(branch) for branch in self.branches],
            "logits": keras.saving.serialize_keras_object(self.classifier),
            "class_names": self.class_names,
            "task": self.task,
            "thresholds": self.thresholds,
            "optimizer_built": self.compiled and self.optimizer.built,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        network = keras.saving.deserialize_keras_object(config.pop("network"), custom_objects)
        branches = [restore_branch(branch, network) for branch in config.pop("branches")]
        logits = keras.saving.deserialize_keras_object(config.pop("logits"), custom_objects)
        optimizer_built = config.pop("optimizer_built")
        model = cls(network.inputs[0], branches, logits=logits, **config)
        model.optimizer_was_built = optimizer_built
        return model

    def compile_from_config(self, config):
        """As Keras does it; an optimizer that was saved before it trained stays without moments."""
        if self.optimizer_was_built:
            super().compile_from_config(config)
        else:
            self.compile(**keras.saving.deserialize_keras_object(config))
