"""The Python module with pictures of every kind. Parts for which a package is missing are skipped, and named."""
import random
import struct
import threading
import unittest

import hardface

try:
    import numpy
except ImportError:
    numpy = None
try:
    import cv2
except ImportError:
    cv2 = None
try:
    from PIL import Image
except ImportError:
    Image = None

WIDTH, HEIGHT = 64, 48
RGB = random.Random(1).randbytes(WIDTH * HEIGHT * 3)


class Array:
    """What NumPy's arrays show of themselves, for machines without NumPy."""

    def __init__(self, pixels, shape, typestr="|u1"):
        import ctypes
        self._buffer = ctypes.create_string_buffer(pixels, len(pixels))
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": typestr,
            "data": (ctypes.addressof(self._buffer), False),
        }


def write_bmp(path):
    rows = [RGB[3 * WIDTH * y : 3 * WIDTH * (y + 1)] for y in reversed(range(HEIGHT))]
    pixels = b"".join(row[x + 2 - 2 * (x % 3)] .to_bytes(1, "little") for row in rows for x in range(3 * WIDTH))
    head = b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54)
    head += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    with open(path, "wb") as file:
        file.write(head + pixels)


class DetectorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.detector = hardface.Detector(score_threshold=0.005, pyramid=[60, 100], threads=1)
        cls.faces = cls.detector.detect(Array(RGB, (HEIGHT, WIDTH, 3)))

    def test_faces_are_boxes_in_falling_score(self):
        self.assertTrue(self.faces)
        for face in self.faces:
            self.assertGreater(face.score, 0.005)
            self.assertLess(face.x + face.width, WIDTH + 1)
        self.assertEqual(self.faces, sorted(self.faces, key=lambda face: -face.score))

    def test_a_file_gives_the_faces_of_its_pixels(self):
        write_bmp("picture.bmp")
        self.assertEqual(self.detector.detect("picture.bmp"), self.faces)

    def test_orders_and_alpha(self):
        bgr = bytes(RGB[i - i % 3 + 2 - i % 3] for i in range(len(RGB)))
        self.assertEqual(self.detector.detect(Array(bgr, (HEIGHT, WIDTH, 3)), order="bgr"), self.faces)
        rgba = b"".join(RGB[i : i + 3] + b"\x07" for i in range(0, len(RGB), 3))
        self.assertEqual(self.detector.detect(Array(rgba, (HEIGHT, WIDTH, 4))), self.faces)
        grey = RGB[: WIDTH * HEIGHT]
        spread = b"".join(grey[i : i + 1] * 3 for i in range(len(grey)))
        expected = self.detector.detect(Array(spread, (HEIGHT, WIDTH, 3)))
        self.assertEqual(self.detector.detect(Array(grey, (HEIGHT, WIDTH))), expected)
        self.assertEqual(self.detector.detect(Array(grey, (HEIGHT, WIDTH, 1))), expected)

    def test_errors_say_what_is_wrong(self):
        with self.assertRaisesRegex(hardface.Error, "/no/such.safetensors"):
            hardface.Detector("/no/such.safetensors")
        with self.assertRaisesRegex(hardface.Error, "/no/such.jpg") as caught:
            self.detector.detect("/no/such.jpg")
        self.assertEqual(caught.exception.code, 5)
        with self.assertRaisesRegex(TypeError, "<f4"):
            self.detector.detect(Array(bytes(4 * 4), (2, 2), "<f4"))
        with self.assertRaisesRegex(ValueError, "shape"):
            self.detector.detect(Array(bytes(8), (2, 2, 2)))
        with self.assertRaisesRegex(TypeError, "int is no picture"):
            self.detector.detect(7)
        with self.assertRaisesRegex(ValueError, "order"):
            self.detector.detect(Array(RGB, (HEIGHT, WIDTH, 3)), order="gbr")

    def test_threads_share_a_detector(self):
        found = [None] * 4
        threads = [
            threading.Thread(target=lambda i=i: found.__setitem__(i, self.detector.detect(Array(RGB, (HEIGHT, WIDTH, 3)))))
            for i in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [self.faces] * 4)

    def test_version(self):
        self.assertRegex(hardface.version(), r"^\d+\.\d+\.\d+$")

    @unittest.skipIf(numpy is None, "NumPy is not installed")
    def test_numpy(self):
        array = numpy.frombuffer(RGB, numpy.uint8).reshape(HEIGHT, WIDTH, 3)
        self.assertEqual(self.detector.detect(array), self.faces)
        framed = numpy.zeros((HEIGHT + 9, WIDTH + 7, 3), numpy.uint8)
        framed[4 : 4 + HEIGHT, 3 : 3 + WIDTH] = array
        self.assertEqual(self.detector.detect(framed[4 : 4 + HEIGHT, 3 : 3 + WIDTH]), self.faces)
        planes = numpy.ascontiguousarray(array.transpose(2, 0, 1))
        self.assertEqual(self.detector.detect(planes.transpose(1, 2, 0)), self.faces)
        self.assertEqual(self.detector.detect(array[:, :, ::-1], order="bgr"), self.faces)
        with self.assertRaisesRegex(TypeError, "uint8"):
            self.detector.detect(array.astype(numpy.float32))

    @unittest.skipIf(cv2 is None, "OpenCV's module is not installed")
    def test_opencv(self):
        write_bmp("opencv.bmp")
        self.assertEqual(self.detector.detect(cv2.imread("opencv.bmp"), order="bgr"), self.faces)

    @unittest.skipIf(Image is None, "Pillow is not installed")
    def test_pillow(self):
        picture = Image.frombytes("RGB", (WIDTH, HEIGHT), RGB)
        self.assertEqual(self.detector.detect(picture), self.faces)
        self.assertEqual(self.detector.detect(picture.convert("RGBA")), self.faces)
        grey = picture.convert("L")
        self.assertEqual(self.detector.detect(grey), self.detector.detect(grey.convert("RGB")))
        palette = picture.convert("P")
        self.assertEqual(self.detector.detect(palette), self.detector.detect(palette.convert("RGB")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
