"""The flags of training; every name says what it changes, every default what is sensible."""

from absl import flags

flags.DEFINE_string(
    "data",
    "data/grocery_mini",
    "Folder of pictures laid out as split/class/*.jpg, or with split/labels.csv; or tfds:NAME.",
)
flags.DEFINE_string("train_split", "train", "Split to train on.")
flags.DEFINE_string(
    "val_split", None, "Split to score at the end and to stop fine-tuning early by; none if unset."
)
flags.DEFINE_bool("skip_broken", False, "Leave broken pictures out instead of stopping.")
flags.DEFINE_list(
    "crop_scales",
    ["1.0", "0.8"],
    "Central crops of each training picture that the solver sees, as shares of its sides; 1.0 is "
    "the whole picture.",
)
flags.DEFINE_bool("mirror", True, "Let the solver see the mirror image of each crop as well.")

flags.DEFINE_string(
    "backbone",
    "efficientnet_lite0",
    "Pretrained network: EfficientNetLite0-2 or any of Keras Applications, such as ResNet50.",
)
flags.DEFINE_string(
    "weights",
    "imagenet",
    "Weights of the backbone: imagenet, a weights file, or none for random ones.",
)
flags.DEFINE_integer(
    "image_size", None, "Side of the pictures in pixels; the backbone's own if unset.", 1
)
flags.DEFINE_enum(
    "head",
    "cross_layer",
    ["cross_layer", "global_average"],
    "Descriptor: cross-layer pooling, or the global average as a baseline.",
)
flags.DEFINE_integer("window_size", 3, "Side of the local regions, in feature map cells.", 1)
flags.DEFINE_integer("feature_channels", 256, "Principal components kept of a region.", 1)
flags.DEFINE_integer("guidance_channels", 256, "Guidance channels at most.", 1)
flags.DEFINE_enum(
    "solver",
    "ridge",
    ["ridge", "svm", "none"],
    "Closed-form classifier on the descriptors; none leaves it to --epochs.",
)
flags.DEFINE_bool("baseline", True, "Solve the global-average baseline too and report both.")
flags.DEFINE_integer("batch_size", 32, "Pictures in a batch.", 1)

flags.DEFINE_integer("epochs", 0, "Epochs of fine-tuning after the closed-form fit.", 0)
flags.DEFINE_integer("frozen_epochs", 0, "Epochs that tune the head alone, before those.", 0)
flags.DEFINE_float("learning_rate", 1e-4, "Peak learning rate of fine-tuning.", 0.0)
flags.DEFINE_float("classifier_rate", 0.02, "Factor on it for the solved classifier.", 0.0)
flags.DEFINE_float("label_smoothing", 0.1, "Share of a target spread over all classes.", 0, 1)
flags.DEFINE_integer("patience", 5, "Epochs without improvement before stopping.", 1)
flags.DEFINE_integer("seed", 0, "Seed of order, folds and augmentation.")


def training_arguments():
    """The flags that shaped a run, as plain data for the model's metadata."""
    defined = flags.FLAGS.flags_by_module_dict()[__name__]
    return {flag.name: flag.value for flag in defined}
