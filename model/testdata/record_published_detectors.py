#!/usr/bin/env python3
"""Records what SSH, S3FD and PyramidBox detect, for //infer:published_detectors_test, by NumPy alone.

Not part of the product (which needs no Python). The networks stand here once more, written from the published prototxts
and PyramidBox's Paddle program, layer by layer and without any code of this project: padding, strides, bilinear
deconvolution, normalisation, max-out, priors and decoding. Channel counts are divided by 16. Weights and image follow
from a formula that the test knows, too, so that a recording holds only what is detected. Batch normalisation counts as
folded into the convolutions.
  pip install numpy
  record_published_detectors.py model/testdata
"""
import json
import os
import sys

import numpy as np

DIVISOR = 16
HEIGHT, WIDTH = 90, 120  # padded to 96 x 128
NMS_THRESHOLD = 0.3
# Of the weights of scores and boxes: probabilities away from 0 and 1, boxes near their anchors.
OUTPUT_GAINS = {"cls_score": 0.06, "bbox_pred": 0.1, "mbox_conf": 0.25, "mbox_loc": 0.25}


def noise(name, count):
    """COUNT numbers in [-1, 1) that depend on NAME alone: a 32-bit mix of the name's hash and the place."""
    seed = 0
    for letter in name.encode():
        seed = (seed * 31 + letter) & 0xFFFFFFFF
    u = (np.uint64(seed) + np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    u ^= u >> np.uint64(16)
    u = (u * np.uint64(0x45D9F3B)) & np.uint64(0xFFFFFFFF)
    u ^= u >> np.uint64(16)
    return (u >> np.uint64(8)).astype(np.float64) / 2**23 - 1


class Net:
    """Layers by name; maps are (channels, height, width) in float64. GAIN: of the first layer's weights."""

    def __init__(self, gain):
        self.maps = {}
        self.gain = gain

    def conv(self, name, x, out, kernel, pad=0, stride=1, relu=True):
        channels = x.shape[0]
        fan_in = channels * kernel * kernel
        gain = self.gain if name == "conv1_1" else 1
        for part, of_output in OUTPUT_GAINS.items():
            gain = of_output if part in name else gain
        bound = np.sqrt(6 / fan_in) * gain
        weight = np.float32(noise(name + ".weight", out * fan_in) * bound).astype(np.float64)
        bias = np.float32(noise(name + ".bias", out) * 0.1).astype(np.float64)
        padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        height = (padded.shape[1] - kernel) // stride + 1
        width = (padded.shape[2] - kernel) // stride + 1
        columns = np.stack([
            padded[:, y:y + stride * (height - 1) + 1:stride, z:z + stride * (width - 1) + 1:stride]
            for y in range(kernel) for z in range(kernel)
        ], axis=1)  # (channels, taps, height, width)
        result = weight.reshape(out, fan_in) @ columns.reshape(fan_in, -1) + bias[:, None]
        result = result.reshape(out, height, width)
        self.maps[name] = np.maximum(result, 0) if relu else result
        return self.maps[name]

    def norm(self, name, x, start):
        scale = np.float32(start * (1 + 0.2 * noise(name + ".weight", x.shape[0]))).astype(np.float64)
        return x / np.sqrt((x**2).sum(axis=0, keepdims=True) + 1e-10) * scale[:, None, None]

    def vgg16(self, image):
        x = image
        for block, (count, out) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
            if block > 1:
                x = pool(x)
            for i in range(1, count + 1):
                x = self.conv("conv%d_%d" % (block, i), x, out // DIVISOR, 3, pad=1)

    def ssd_tail(self, fc6_pad):
        x = self.conv("fc6", pool(self.maps["conv5_3"]), 1024 // DIVISOR, 3, pad=fc6_pad)
        x = self.conv("fc7", x, 1024 // DIVISOR, 1)
        x = self.conv("conv6_1", x, 256 // DIVISOR, 1)
        x = self.conv("conv6_2", x, 512 // DIVISOR, 3, pad=1, stride=2)
        x = self.conv("conv7_1", x, 128 // DIVISOR, 1)
        self.conv("conv7_2", x, 256 // DIVISOR, 3, pad=1, stride=2)

    def context(self, names, x, wide):
        """Joined, then clipped at zero, as published."""
        first, reduction, second, middle, third = names
        a = self.conv(first, x, wide // DIVISOR, 3, pad=1, relu=False)
        reduced = self.conv(reduction, x, wide // 2 // DIVISOR, 3, pad=1)
        b = self.conv(second, reduced, wide // 2 // DIVISOR, 3, pad=1, relu=False)
        c = self.conv(middle, reduced, wide // 2 // DIVISOR, 3, pad=1)
        c = self.conv(third, c, wide // 2 // DIVISOR, 3, pad=1, relu=False)
        return np.maximum(np.concatenate([a, b, c]), 0)


def pool(x):
    channels, height, width = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def deconvolve(x):
    """Caffe's bilinear filler with kernel 4, stride 2 and padding 1, one filter a channel."""
    filter_1d = np.array([1 - abs(i / 2 - 0.75) for i in range(4)])
    channels, height, width = x.shape
    full = np.zeros((channels, 2 * height + 2, 2 * width + 2))
    for i in range(4):
        for j in range(4):
            full[:, i:i + 2 * height:2, j:j + 2 * width:2] += filter_1d[i] * filter_1d[j] * x
    return full[:, 1:-1, 1:-1]


def ssh(image, gain):
    net = Net(gain)
    net.vgg16(image)
    up = deconvolve(net.conv("conv5_128", net.maps["conv5_3"], 128 // DIVISOR, 1))
    fused = up + net.conv("conv4_128", net.maps["conv4_3"], 128 // DIVISOR, 1)
    m1 = net.conv("conv4_fuse_final", fused, 128 // DIVISOR, 3, pad=1)
    found = []
    for module, x, wide, stride, scales in [("m1", m1, 128, 8, [1, 2]), ("m2", net.maps["conv5_3"], 256, 16, [4, 8]),
                                            ("m3", pool(net.maps["conv5_3"]), 256, 32, [16, 32])]:
        name = module + "@ssh_"
        x = net.context([name + part for part in ("3x3", "dimred", "5x5", "7x7-1", "7x7")], x, wide)
        scores = net.conv(name + "cls_score", x, 4, 1, relu=False)
        deltas = net.conv(name + "bbox_pred", x, 8, 1, relu=False)
        for a, scale in enumerate(scales):
            for y in range(x.shape[1]):
                for z in range(x.shape[2]):
                    # generate_anchors: the window (0, 0, 15, 15) scaled about its centre, then shifted.
                    side = 16 * scale
                    x1, y1 = z * stride + 7.5 - 0.5 * (side - 1), y * stride + 7.5 - 0.5 * (side - 1)
                    dx, dy, dw, dh = deltas[4 * a:4 * a + 4, y, z]
                    cx, cy = dx * side + x1 + 0.5 * side, dy * side + y1 + 0.5 * side
                    w, h = np.exp(dw) * side, np.exp(dh) * side
                    found.append(corners(cx, cy, w, h) + [softmax(scores[a, y, z], scores[2 + a, y, z])])
    return found


def corners(cx, cy, w, h):
    return [cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h]


def softmax(background, face):
    return float(np.exp(face) / (np.exp(background) + np.exp(face)))


def decode_ssd(maps):
    """MAPS: (deltas, background, face) of the six heads; priors and CENTER_SIZE decoding with their variances."""
    found = []
    for (deltas, background, face), step, side in zip(maps, [4, 8, 16, 32, 64, 128], [16, 32, 64, 128, 256, 512]):
        for y in range(background.shape[0]):
            for z in range(background.shape[1]):
                dx, dy, dw, dh = deltas[:, y, z]
                cx, cy = 0.1 * dx * side + (z + 0.5) * step, 0.1 * dy * side + (y + 0.5) * step
                w, h = np.exp(0.2 * dw) * side, np.exp(0.2 * dh) * side
                found.append(corners(cx, cy, w, h) + [softmax(background[y, z], face[y, z])])
    return found


def s3fd(image, gain):
    net = Net(gain)
    net.vgg16(image)
    net.ssd_tail(fc6_pad=3)
    maps = []
    for layer, start in [("conv3_3", 10), ("conv4_3", 8), ("conv5_3", 5), ("fc7", 0), ("conv6_2", 0), ("conv7_2", 0)]:
        x, name = net.maps[layer], layer
        if start:
            name = layer + "_norm"
            x = net.norm(name, x, start)
        deltas = net.conv(name + "_mbox_loc", x, 4, 3, pad=1, relu=False)
        if layer == "conv3_3":
            conf = net.conv(name + "_mbox_conf", x, 4, 3, pad=1, relu=False)
            maps.append((deltas, conf[:3].max(axis=0), conf[3]))
        else:
            conf = net.conv(name + "_mbox_conf", x, 2, 3, pad=1, relu=False)
            maps.append((deltas, conf[0], conf[1]))
    return decode_ssd(maps)


def pyramidbox(image, gain):
    net = Net(gain)
    net.vgg16(image)
    net.ssd_tail(fc6_pad=1)

    def fpn(name, coarse, fine):
        channels = fine.shape[0]
        return deconvolve(net.conv(name + "_above", coarse, channels, 1)) * net.conv(name + "_lateral", fine, channels, 1)

    lfpn2 = fpn("lfpn2", net.maps["fc7"], net.maps["conv5_3"])
    lfpn1 = fpn("lfpn1", lfpn2, net.maps["conv4_3"])
    lfpn0 = fpn("lfpn0", lfpn1, net.maps["conv3_3"])
    maps = []
    for i, x in enumerate([lfpn0, lfpn1, lfpn2, net.maps["fc7"], net.maps["conv6_2"], net.maps["conv7_2"]]):
        name = "cpm%d_" % i
        branch1 = net.conv(name + "branch1", x, 1024 // DIVISOR, 1, relu=False)
        branch2 = net.conv(name + "branch2a", x, 256 // DIVISOR, 1)
        branch2 = net.conv(name + "branch2b", branch2, 256 // DIVISOR, 3, pad=1)
        branch2 = net.conv(name + "branch2c", branch2, 1024 // DIVISOR, 1, relu=False)
        x = np.maximum(branch1 + branch2, 0)
        x = net.context([name + part for part in ("ssh_1", "ssh_dimred", "ssh_2", "ssh_3a", "ssh_3b")], x, 256)
        if i < 3:
            x = net.norm("cpm%d_norm" % i, x, [10, 8, 5][i])
        face_deltas = net.conv(name + "mbox_loc", x, 8, 3, pad=1, relu=False)[:4]
        if i == 0:
            conf = net.conv(name + "mbox_conf", x, 8, 3, pad=1, relu=False)
            maps.append((face_deltas, conf[:3].max(axis=0), conf[3]))
        else:
            conf = net.conv(name + "mbox_conf", x, 6, 3, pad=1, relu=False)
            maps.append((face_deltas, conf[0], conf[1:4].max(axis=0)))
    return decode_ssd(maps)


def overlap(a, b):
    """IoU with both corners' pixels counted, this project's."""
    area = lambda box: (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    inter = max(w, 0) * max(h, 0)
    return inter / (area(a) + area(b) - inter)


def record(name, network, mean, divisor, least, folder):
    pixels = ((noise("image", HEIGHT * WIDTH * 3) + 1) * 128).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    image = np.zeros((3, -(-HEIGHT // 32) * 32, -(-WIDTH // 32) * 32))
    image[:, :HEIGHT, :WIDTH] = ((pixels.astype(np.float64) - mean) / divisor).transpose(2, 0, 1)
    found = np.array(network(image, divisor / 64))
    found[:, [0, 2]] = found[:, [0, 2]].clip(0, WIDTH - 1)
    found[:, [1, 3]] = found[:, [1, 3]].clip(0, HEIGHT - 1)
    found = found[np.argsort(-found[:, 4], kind="stable")]
    # LEAST or more, as many as leave the next one clearly below, and no decision to rounding.
    count = next(n for n in range(least, 480) if found[n - 1, 4] - found[n, 4] > 1e-3 * (found[0, 4] - found[399, 4]))
    threshold = float(0.5 * (found[count - 1, 4] + found[count, 4]))
    kept, margin = [], 1.0
    for box in found[:count]:
        overlaps = [overlap(box, other) for other in kept]
        margin = min([margin] + [abs(o - NMS_THRESHOLD) for o in overlaps])
        if all(o <= NMS_THRESHOLD for o in overlaps):
            kept.append(box)
    gap = np.abs(np.diff(found[:count, 4])).min()
    print("%s: %d anchors, %d above %.6f (best %.4f), %d kept; nearest overlap %.1e, nearest scores %.1e" %
          (name, len(found), count, threshold, found[0, 4], len(kept), margin, gap))
    with open(os.path.join(folder, "published_%s.json" % name), "w") as file:
        json.dump({
            "architecture": name, "width_divisor": DIVISOR, "height": HEIGHT, "width": WIDTH,
            "anchors": len(found), "score_threshold": round(threshold, 8), "nms_threshold": NMS_THRESHOLD,
            "above_threshold": count,
            "detections": [[float("%.7g" % v) for v in box] for box in kept]
        }, file)
        file.write("\n")


def main():
    folder = sys.argv[1]
    ours = np.array([102.9801, 115.9465, 122.7717])
    ssd = np.array([104.0, 117.0, 123.0])
    record("ssh", ssh, ours, 1.0, 100, folder)
    record("s3fd", s3fd, ssd, 1.0, 60, folder)
    record("pyramidbox", pyramidbox, ssd, 127.5, 60, folder)


if __name__ == "__main__":
    main()
