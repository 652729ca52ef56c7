"""The flags of training; every name says what it changes, every default what is sensible."""

from absl import flags

from keras_crosspool.closed_form.options import SOLVER_FORMS
from keras_crosspool.data.cache import CACHES
from keras_crosspool.distribution.strategy import STRATEGIES
from keras_crosspool.fine_tuning.class_balance import CLASS_BALANCES
from keras_crosspool.fine_tuning.precision import COMPILERS, PRECISIONS
from keras_crosspool.fine_tuning.tuned_copy import BATCH_NORMS
from keras_crosspool.image_flags import define_image_flags
from keras_crosspool.layers.region_grid import MODES
from keras_crosspool.models.options import GRID_GUIDANCES
from keras_crosspool.models.schemes import SCHEMES

flags.DEFINE_string(
    "data",
    "data/grocery_mini",
    "Folder of pictures laid out as split/class/*.jpg, or with split/labels.csv; or tfds:NAME.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of TFDS data sets; the variable TFDS_DATA_DIR, which all commands know, if unset.",
)
flags.DEFINE_string("train_split", "train", "Split to train on.")
flags.DEFINE_string(
    "val_split", None, "Split to score at the end and to stop fine-tuning early by; none if unset."
)
define_image_flags(__name__)
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
    "scheme",
    "scheme1",
    [*SCHEMES, "auto"],
    "What the descriptor is made of. scheme1 (or coarse): windows of one layer, pooled with the "
    "next; fine: the same on the picture enlarged to twice its side; scheme2: a grid of regions, "
    "each through the network, pooled with a guidance layer trained on top, better and dearer; "
    "both, coarse+fine: two together. auto: cross-validation chooses among scheme1, scheme2 and "
    "both. global_average and region_average are baselines.",
)
flags.DEFINE_integer("window_size", 3, "Side of the windows of scheme 1, in map places.", 1)
flags.DEFINE_integer("feature_channels", 256, "Principal components of a window or region.", 1)
flags.DEFINE_integer("guidance_channels", 256, "Guidance channels of scheme 1 at most.", 1)

flags.DEFINE_list(
    "region_size",
    None,
    "Sides of the regions of scheme 2 in pixels, one or several; two fifths of the picture's side "
    "if unset.",
)
flags.DEFINE_integer(
    "region_stride", None, "Pixels from region to region; seven regions in a row if unset.", 1
)
flags.DEFINE_enum(
    "region_mode",
    "crops",
    MODES,
    "Where regions are cut: crops, from the picture, the dearest; partial, after the layer "
    "--region_cut; shared, from the network's last map, the cheapest.",
)
flags.DEFINE_string("region_cut", None, "Layer after which --region_mode=partial cuts.")
flags.DEFINE_integer(
    "region_input_size", None, "Side to which regions are resized; their own if unset.", 1
)
flags.DEFINE_enum(
    "grid_guidance",
    "trained",
    GRID_GUIDANCES,
    "Guidance of scheme 2: a trained layer, or the regions' own most active channels.",
)
flags.DEFINE_integer("grid_guidance_channels", 128, "Guidance channels of scheme 2.", 1)
flags.DEFINE_integer("guidance_epochs", 15, "Epochs that train scheme 2's guidance layer.", 0)
flags.DEFINE_float("guidance_rate", 1e-3, "Peak learning rate of that.", 0.0)
flags.DEFINE_string(
    "cache_dir",
    None,
    "Folder that keeps region grids and decoded pictures; ~/.keras/keras_crosspool if unset.",
)
flags.DEFINE_enum(
    "solver",
    "ridge",
    ["ridge", "svm", "none"],
    "Closed-form classifier on the descriptors; none leaves it to --epochs.",
)
flags.DEFINE_enum(
    "solver_form",
    "auto",
    SOLVER_FORMS,
    "gram: on the inner products of all pictures, exact, for thousands of them; primal: streamed, "
    "on those of the descriptor's values, exact, for short descriptors; projected: streamed, on a "
    "random projection, for millions of pictures; auto: by cost and memory.",
)
flags.DEFINE_float(
    "solver_memory_gb",
    None,
    "Memory that the solver may take, in 10^9 bytes. Default: four fifths of what the machine has "
    "free, or of what a container's limit leaves.",
    0.0,
)
flags.DEFINE_bool("baseline", True, "Solve the global-average baseline too and report both.")
flags.DEFINE_integer("batch_size", 32, "Pictures in a batch, of all devices together.", 1)

flags.DEFINE_enum(
    "strategy",
    "auto",
    STRATEGIES,
    "Devices: one; mirrored, all GPUs of this machine; multi_worker, several processes, named by "
    "--workers or TF_CONFIG. auto: what is there.",
)
flags.DEFINE_list(
    "workers", [], "Processes that train together, host:port of each, the same for all of them."
)
flags.DEFINE_integer("task_index", None, "Which of the workers this process is, from 0 on.", 0)
flags.DEFINE_integer(
    "devices",
    None,
    "Devices of this process: GPUs, or parts of the CPU where there is none; all GPUs if unset.",
    1,
)

flags.DEFINE_integer("epochs", 0, "Epochs of fine-tuning after the closed-form fit.", 0)
flags.DEFINE_integer("frozen_epochs", 0, "Epochs that tune the head alone, before those.", 0)
flags.DEFINE_integer(
    "unfreeze_epochs",
    0,
    "Of the --epochs the first ones, over which the backbone's layers join one after the other, "
    "the last layer first.",
    0,
)
flags.DEFINE_float("learning_rate", 1e-4, "Peak learning rate of fine-tuning.", 0.0)
flags.DEFINE_integer(
    "rate_batch_size",
    None,
    "Batch for which --learning_rate is meant; for another --batch_size the rate is scaled in "
    "proportion. Not scaled if unset.",
    1,
)
flags.DEFINE_float(
    "first_layer_rate",
    1.0,
    "Factor on the rate for the backbone's first layer, growing to 1 at its last.",
    0,
    1,
)
flags.DEFINE_float("classifier_rate", 0.02, "Factor on it for the solved classifier.", 0, 1)
flags.DEFINE_float("label_smoothing", 0.1, "Share of a target spread over all classes.", 0, 1)
flags.DEFINE_enum(
    "class_balance",
    "none",
    CLASS_BALANCES,
    "Weight of a class in the loss: one over its number of pictures (inverse) or over its "
    "effective number (effective), for skewed data.",
)
flags.DEFINE_float("clip_norm", None, "Largest norm of the gradient of all weights.", 0.0)
flags.DEFINE_integer(
    "gradient_accumulation",
    1,
    "Parts of a batch computed one after the other, to need less memory.",
    1,
)
flags.DEFINE_float(
    "ema_momentum",
    None,
    "Momentum of a running average of the weights, such as 0.99, which is validated and kept "
    "instead of the weights.",
)
flags.DEFINE_enum(
    "batch_norm",
    "frozen",
    BATCH_NORMS,
    "Statistics of BatchNormalization while fine-tuning: frozen; local, of each device's share of "
    "a batch; synchronized, of the whole batch.",
)
flags.DEFINE_enum(
    "precision",
    "float32",
    PRECISIONS,
    "Numbers of fine-tuning; pooled sums, roots, norms and logits stay in float32, and so does "
    "the model that is written.",
)
flags.DEFINE_enum(
    "jit_compile", "auto", COMPILERS, "Whether XLA compiles the training step; auto: on one GPU."
)
flags.DEFINE_integer("patience", 5, "Epochs without improvement before stopping.", 1)
flags.DEFINE_integer("checkpoint_steps", 100, "Steps from checkpoint to checkpoint.", 1)
flags.DEFINE_enum(
    "cache", "auto", CACHES, "Where decoded pictures are kept: the first that has room if auto."
)
flags.DEFINE_string("tensorboard", None, "Folder for TensorBoard logs of fine-tuning.")
flags.DEFINE_list(
    "profile_steps", None, "First and last step that TensorBoard is to profile, as 10,20."
)
flags.DEFINE_integer("seed", 0, "Seed of order, folds and augmentation.")


def training_arguments():
    """The flags that shaped a run, as plain data for the model's metadata."""
    defined = flags.FLAGS.flags_by_module_dict()[__name__]
    return {flag.name: flag.value for flag in defined}
