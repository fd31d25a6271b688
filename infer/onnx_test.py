"""Draws pictures (draw), and compares what ONNX Runtime finds on them with detections.jsonl (compare)."""
import json
import os
import random
import struct
import sys

import numpy
import onnxruntime

WIDTH, HEIGHT, PICTURES = 176, 128, 3
SCORE_TOLERANCE = 1e-4
BOX_TOLERANCE = 0.03  # pixels; detections.jsonl rounds to 0.01
MEAN = (102.9801, 115.9465, 122.7717)


def pixels(number):
    """Coarse and fine noise, (height, width, BGR)."""
    source = random.Random(number)
    fine = numpy.frombuffer(source.randbytes(WIDTH * HEIGHT * 3), numpy.uint8).reshape(HEIGHT, WIDTH, 3)
    coarse = numpy.frombuffer(source.randbytes(11 * 8 * 3), numpy.uint8).reshape(8, 11, 3)
    return (fine // 4 + coarse.repeat(16, 0).repeat(16, 1) // 4 * 3).astype(numpy.uint8)


def draw():
    os.mkdir("pictures")
    for number in range(PICTURES):
        data = pixels(number)[::-1].tobytes()
        head = b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54)
        head += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, len(data), 2835, 2835, 0, 0)
        with open("pictures/%d.bmp" % number, "wb") as file:
            file.write(head + data)


def check_same(found, expected, what):
    if len(found) != len(expected) or not expected:
        sys.exit("%s: %d faces of ONNX Runtime, %d of detect" % (what, len(found), len(expected)))
    rest = list(expected)
    for box in found:  # in any order: scores that are nearly equal may change places
        near = [
            other
            for other in rest
            if abs(box[4] - other[4]) < SCORE_TOLERANCE
            and all(abs(a - b) < BOX_TOLERANCE for a, b in zip(box[:4], other[:4]))
        ]
        if not near:
            sys.exit("%s: detect has no face like %s" % (what, list(box)))
        rest.remove(near[0])


def move(model):
    """Moves all boxes to the left by one and a half of their anchor's size: many end up beside the picture."""
    with open(model, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    for name, tensor in header.items():
        if name.startswith("bbox_pred_") and name.endswith(".bias"):
            place = 8 + length + tensor["data_offsets"][0]
            struct.pack_into("<f", data, place, struct.unpack_from("<f", data, place)[0] - 1.5)
    with open("moved.safetensors", "wb") as file:
        file.write(data)


def compare(name):
    session = onnxruntime.InferenceSession(name + ".onnx", providers=["CPUExecutionProvider"])
    divisor = float(session.get_modelmeta().custom_metadata_map["input_divisor"])
    with open("found_%s/detections.jsonl" % name, encoding="utf-8") as file:
        expected = [json.loads(line)["boxes"] for line in file]
    batch = numpy.stack([(pixels(number) - numpy.float32(MEAN)) / divisor for number in range(PICTURES)])
    batch = batch.transpose(0, 3, 1, 2).astype(numpy.float32)
    (faces,) = session.run(None, {"image": batch})
    assert faces.shape[1] == 6 and list(faces[:, 0]) == sorted(faces[:, 0]), faces[:, 0]
    for number in range(PICTURES):
        of_one = faces[faces[:, 0] == number][:, 1:]
        assert all(a >= b for a, b in zip(of_one[:, 4], of_one[1:, 4])), "not in falling score"
        check_same(of_one, expected[number], "picture %d of a batch" % number)
        (alone,) = session.run(None, {"image": batch[number : number + 1]})
        check_same(alone[:, 1:], expected[number], "picture %d alone" % number)
    (smaller,) = session.run(None, {"image": batch[:1, :, :64, :96]})
    assert smaller.shape[1] == 6, "another size"
    # What lies beside the picture is clipped to a line on its border.
    assert faces[:, 3:5].min() > 0.01, "a box without area"
    # The maps are those of the network alone, whatever is made of them.
    maps = onnxruntime.InferenceSession("maps.onnx", providers=["CPUExecutionProvider"])
    shapes = [output.shape for output in maps.run(None, {"image": batch})]
    assert all(shape[0] == PICTURES and shape[2:] == (HEIGHT // 8, WIDTH // 8) for shape in shapes), shapes
    print("PASSED: %d faces" % len(faces))


{"draw": draw, "move": move, "compare": compare}[sys.argv[1]](*sys.argv[2:])
