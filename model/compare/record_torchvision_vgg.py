#!/usr/bin/env python3
"""Records what torchvision's VGG16 makes of an image, for //model/weights:torchvision_vgg_test.

Not part of the product (which needs no Python). Random weights and an image of random patches; nothing is downloaded.
  pip install torch torchvision safetensors
  record_torchvision_vgg.py /absolute/FOLDER
  bazel test //model/weights:torchvision_vgg_test --test_env=HARDFACE_TORCHVISION_DIR=/absolute/FOLDER

Writes FOLDER/image.rgb (256 x 256 x 3 bytes) and of vgg16, vgg16_bn and vgg16 in half precision: NAME.safetensors and
NAME.conv5_3.f32 (512 x 16 x 16 floats, after the ReLU).
"""
import os
import sys

import safetensors.torch
import torch
import torchvision
from torchvision.transforms.functional import normalize


def randomized(model):
    """Biases and batch statistics that are not the 0 and 1 of a fresh network."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif name.endswith(("bias", "running_mean")):
                tensor.normal_(0, 0.3)
    return model.eval()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(1)
    patches = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    image = patches.repeat_interleave(4, 2).repeat_interleave(4, 3)
    image[0].permute(1, 2, 0).numpy().tofile(f"{folder}/image.rgb")
    pixels = normalize(image.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    for name in ["vgg16", "vgg16_bn", "vgg16_half"]:
        model = randomized(getattr(torchvision.models, name.replace("_half", ""))(weights=None))
        if name == "vgg16_half":
            model = model.half().float()  # rounds
        # features' last layer is the pooling after conv5_3.
        with torch.no_grad():
            model.features[:-1](pixels).numpy().tofile(f"{folder}/{name}.conv5_3.f32")
        state = {key: value.half() if name == "vgg16_half" else value for key, value in model.state_dict().items()
                 if "classifier.0" not in key}  # 400 MB
        safetensors.torch.save_file(state, f"{folder}/{name}.safetensors")


main()
