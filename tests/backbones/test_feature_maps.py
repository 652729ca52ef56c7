"""The chain of feature maps, found from the graph."""

import keras
import pytest
from keras import layers

from keras_crosspool.backbones import create_backbone
from keras_crosspool.backbones.feature_maps import find_feature_maps
from keras_crosspool.graphs import graph_nodes

# The last two consecutive maps, from the papers' and Keras' own naming.
PAIRS = {
    "ConvNeXtTiny": ("add_16", "layer_normalization"),
    "DenseNet121": ("conv5_block15_concat", "relu"),
    "EfficientNetB0": ("block7a_project_bn", "top_activation"),
    "EfficientNetLite0": ("block7a_project_bn", "head_activation"),
    "EfficientNetLite2": ("block7a_project_bn", "head_activation"),
    "EfficientNetV2B0": ("block6h_add", "top_activation"),
    "InceptionV3": ("mixed9", "mixed10"),
    "MobileNet": ("conv_dw_13_relu", "conv_pw_13_relu"),
    "MobileNetV2": ("block_16_project_BN", "out_relu"),
    "MobileNetV3Small": ("expanded_conv_10_add", "activation_17"),
    "NASNetMobile": ("normal_concat_11", "activation_187"),
    "ResNet50": ("conv5_block2_out", "conv5_block3_out"),
    "ResNet50V2": ("conv5_block2_out", "post_relu"),
    "VGG16": ("block5_conv2", "block5_conv3"),
    "VGG19": ("block5_conv3", "block5_conv4"),
    "Xception": ("block14_sepconv1_act", "block14_sepconv2_act"),
}
# Number of maps, counted in the papers' tables: convolutions outside blocks, and blocks.
LENGTHS = {
    "VGG16": 13,
    "VGG19": 16,
    "ResNet50": 1 + 3 + 4 + 6 + 3,
    "ResNet50V2": 1 + 3 + 4 + 6 + 3,
    "DenseNet121": 1 + (6 + 12 + 24 + 16) + 3,
    "InceptionV3": 5 + 11,
    "Xception": 2 + 12 + 2,
    "MobileNet": 1 + 2 * 13,
    "NASNetMobile": 1 + 2,
}


@pytest.mark.parametrize("name", PAIRS)
def test_pair_of_known_networks(name, random_backbone):
    backbone = random_backbone(name)
    features, guidance = backbone.default_feature_maps()
    assert (features.layer, guidance.layer) == PAIRS[name]
    assert guidance.position == features.position + 1 == len(backbone.feature_info) - 1


@pytest.mark.parametrize("name", LENGTHS)
def test_length_of_the_chain_of_known_networks(name, random_backbone):
    assert len(random_backbone(name).feature_info) == LENGTHS[name]


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0", "InceptionV3", "ConvNeXtTiny"])
def test_no_path_goes_round_a_feature_map(name, random_backbone):
    backbone = random_backbone(name)
    consumers = {}
    for node in graph_nodes(backbone.model):
        for tensor in node.input_tensors:
            consumers.setdefault(id(tensor), []).append(node)

    def reaches_output_without(layer):
        pending, seen = [backbone.input], set()
        while pending:
            tensor = pending.pop()
            if tensor is backbone.model.outputs[0]:
                return True
            for node in consumers.get(id(tensor), ()):
                if node.operation.name != layer and id(node) not in seen:
                    seen.add(id(node))
                    pending.extend(node.output_tensors)
        return False

    assert reaches_output_without(None)
    for info in backbone.feature_info:
        assert not reaches_output_without(info.layer), info.layer


def test_strides_and_channels_of_vgg16(random_backbone):
    info = random_backbone("VGG16").feature_info
    assert [i.stride for i in info] == [1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16]
    assert [i.channels for i in info] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [i.position for i in info] == list(range(13))


def test_stride_is_a_power_of_two_at_odd_sizes(random_backbone):
    info = random_backbone("InceptionV3", 299).feature_info
    assert {i.stride for i in info} == {2, 4, 8, 16, 32}


def test_names_do_not_depend_on_what_was_built_before(random_backbone):
    again = create_backbone("MobileNetV3Small", image_size=96, weights="none")
    assert again.feature_info == random_backbone("MobileNetV3Small").feature_info
    assert again.model is not random_backbone("MobileNetV3Small").model


def test_batch_norm_activation_and_gate_belong_to_the_map_pooling_makes_none():
    images = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(images)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(8, 3, name="conv")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(name="relu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(8, 1, activation="sigmoid")(gate)
    x = layers.Multiply(name="gated")([x, gate])
    x = layers.MaxPooling2D(2)(x)
    x = layers.BatchNormalization()(x)
    branch = layers.Conv2D(8, 3, padding="same")(x)
    x = layers.Add()([x, branch])
    x = layers.Dropout(0.1, name="dropout")(x)
    x = layers.AveragePooling2D(2)(x)
    found = find_feature_maps(keras.Model(images, x))
    assert [(i.layer, i.stride, i.channels) for i in found] == [("gated", 1, 8), ("dropout", 2, 8)]


def test_channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        backbone = create_backbone("mobilenet_v2", image_size=64, weights="none")
        features, guidance = backbone.default_feature_maps()
        assert backbone.input.shape == (None, 3, 64, 64)
        assert backbone.image_size == 64
        assert backbone.feature_map(guidance.layer).shape == (None, 1280, 2, 2)
        assert (features.channels, features.stride) == (320, 32)
    finally:
        keras.config.set_image_data_format("channels_last")
