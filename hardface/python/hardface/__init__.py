"""Finds faces in pictures.

    import hardface
    detector = hardface.Detector()
    for face in detector.detect(Image.open("holiday.jpg")):   # Pillow's picture, or an array
        print(face.x, face.y, face.width, face.height, face.score)

A picture is one of Pillow's; or an array of 8-bit numbers of NumPy or anything that has its array interface, of the
shape (height, width), (height, width, 3) or (height, width, 4); or the name of a JPEG, PNG, WebP or BMP file. Arrays are
taken for RGB (and RGBA), as Pillow, imageio and scikit-image give them; OpenCV's are BGR: detect(array, order="bgr").

The work is done by libhardface.so, which lies in this package (in a wheel: in release/lib) or where HARDFACE_LIBRARY
says. No other package is needed.
"""

import ctypes
import os
from collections import namedtuple

__all__ = ["Detector", "Error", "Face", "version"]

# A box in pixels of the picture, its top left corner and its extent, and a score from 0 to 1.
Face = namedtuple("Face", "x y width height score")

_HERE = os.path.dirname(os.path.abspath(__file__))
_FORMATS = {"bgr": 0, "rgb": 1, "bgra": 2, "rgba": 3, "gray": 4}


class Error(Exception):
    """What went wrong, in words; `code` is one of enum hardface_status (hardface.h)."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class _Image(ctypes.Structure):
    _fields_ = [
        ("pixels", ctypes.c_void_p),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("format", ctypes.c_int32),
        ("row_bytes", ctypes.c_int64),
    ]


class _Face(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in Face._fields]


class _Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("score_threshold", ctypes.c_float),
        ("pyramid", ctypes.POINTER(ctypes.c_int32)),
        ("pyramid_count", ctypes.c_size_t),
        ("flip", ctypes.c_int32),
        ("speed", ctypes.c_int32),
        ("device", ctypes.c_char_p),
        ("threads", ctypes.c_int32),
        ("memory_limit", ctypes.c_int64),
    ]


def _path_of(name, folder):
    """A file of this package; a wheel has it in FOLDER of its release."""
    beside = os.path.join(_HERE, name)
    return beside if os.path.exists(beside) else os.path.join(_HERE, "release", folder, name)


def _load_library():
    path = os.environ.get("HARDFACE_LIBRARY") or _path_of("libhardface.so", "lib")
    library = ctypes.CDLL(path)
    faces = ctypes.POINTER(_Face)
    text = ctypes.POINTER(ctypes.c_char)
    results = [ctypes.POINTER(faces), ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(text)]
    library.hardface_version.restype = ctypes.c_char_p
    library.hardface_default_options.argtypes = [ctypes.POINTER(_Options)]
    library.hardface_default_options.restype = None
    library.hardface_load.argtypes = [ctypes.c_char_p, ctypes.POINTER(_Options), ctypes.POINTER(text)]
    library.hardface_load.restype = ctypes.c_void_p
    library.hardface_detect.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Image)] + results
    library.hardface_detect_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p] + results
    for free in (library.hardface_free, library.hardface_close):
        free.argtypes = [ctypes.c_void_p]
        free.restype = None
    return library


_library = _load_library()


def version():
    """The library's version, such as "0.1.0"."""
    return _library.hardface_version().decode()


def _take_text(text):
    message = ctypes.cast(text, ctypes.c_char_p).value.decode("utf-8", "replace") if text else "no reason given"
    _library.hardface_free(text)
    return message


def _is_pillow(picture):
    return hasattr(picture, "getbands") and hasattr(picture, "tobytes") and hasattr(picture, "convert")


def _pillow_image(picture):
    """(image, what must live as long as it)"""
    mode = picture.mode if picture.mode in ("L", "RGB", "RGBA") else "RGB"
    picture = picture.convert(mode)
    pixels = ctypes.create_string_buffer(picture.tobytes(), picture.width * picture.height * len(mode))
    image_format = {"L": "gray", "RGB": "rgb", "RGBA": "rgba"}[mode]
    image = _Image(ctypes.addressof(pixels), picture.width, picture.height, _FORMATS[image_format], 0)
    return image, pixels


def _rows_lie_as_pixels(strides, shape):
    pixel = shape[2] if len(shape) == 3 else 1
    return strides[1:] == (pixel, 1)[: len(shape) - 1] and strides[0] >= shape[1] * pixel


def _array_image(array, order):
    """The same of an array. Its pixels are not copied where each row of them lies together."""
    interface = array.__array_interface__
    shape = tuple(interface["shape"])
    if interface["typestr"] != "|u1":
        raise TypeError("the array's numbers are of type %s; give 8-bit ones without sign (uint8)" % interface["typestr"])
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)) or 0 in shape:
        raise ValueError("the array's shape is %s; give (height, width), or (height, width, 1, 3 or 4)" % (shape,))
    channels = shape[2] if len(shape) == 3 else 1
    name = {1: "gray", 3: order, 4: order + "a"}[channels]
    strides = interface.get("strides")
    strides = tuple(strides) if strides else tuple(shape[1] * channels if i == 0 else (channels, 1)[i - 1] for i in range(len(shape)))
    if not _rows_lie_as_pixels(strides, shape):
        array = array.copy(order="C")
        return _array_image(array, order)
    return _Image(interface["data"][0], shape[1], shape[0], _FORMATS[name], strides[0]), array


_SPEEDS = ("accurate", "balanced", "fast")


class Detector:
    """A model, ready to find faces. Any number of threads may use one at once."""

    def __init__(self, model=None, score_threshold=None, pyramid=None, speed="balanced", flip=True, device="cpu",
                 threads=0, memory_limit=0):
        """Reads a model; the one that ships where none is named.

        score_threshold: scores above it are taken for faces, 0 to 1; None: the model's own.
        pyramid: levels of the image pyramid, such as [300, 1000]; None: the model's own. Fewer and smaller ones are
            faster and miss small faces.
        speed: "accurate" (the published pyramid), "balanced" or "fast".
        flip: whether to look at mirror images, too, where the speed has it so.
        device: "cpu", "cuda:N" or "auto".
        threads: threads that compute in each call; 0: as many as there are processors.
        memory_limit: bytes that the process may use; 0: no limit.

        Raises Error.
        """
        self._detector = None
        if model is None:
            model = os.environ.get("HARDFACE_MODEL") or _path_of("hardface-s.safetensors", "share/hardface")
        options = _Options()
        _library.hardface_default_options(ctypes.byref(options))
        if score_threshold is not None:
            options.score_threshold = score_threshold
        if pyramid is not None:
            levels = [int(level) for level in pyramid]
            options.pyramid = (ctypes.c_int32 * len(levels))(*levels)
            options.pyramid_count = len(levels)
        if speed not in _SPEEDS:
            raise Error(None, "speed is %r; give one of %s" % (speed, ", ".join(_SPEEDS)))
        options.flip, options.speed = int(flip), _SPEEDS.index(speed)
        options.device = device.encode()
        options.threads, options.memory_limit = threads, memory_limit
        error = ctypes.POINTER(ctypes.c_char)()
        self._detector = _library.hardface_load(os.fsencode(model), ctypes.byref(options), ctypes.byref(error))
        if not self._detector:
            raise Error(None, _take_text(error))

    def __del__(self):
        if getattr(self, "_detector", None) and _library is not None:
            _library.hardface_close(self._detector)

    def detect(self, picture, order="rgb"):
        """The picture's faces, a list of Face in falling score. ORDER: of an array's colours, "rgb" or "bgr".

        Raises Error, and TypeError or ValueError where PICTURE is none.
        """
        if order not in ("rgb", "bgr"):
            raise ValueError('order is %r; give "rgb" or "bgr"' % (order,))
        faces = ctypes.POINTER(_Face)()
        count = ctypes.c_size_t()
        error = ctypes.POINTER(ctypes.c_char)()
        results = ctypes.byref(faces), ctypes.byref(count), ctypes.byref(error)
        if isinstance(picture, (str, bytes, os.PathLike)):
            code = _library.hardface_detect_file(self._detector, os.fsencode(picture), *results)
        else:
            if _is_pillow(picture):
                image, alive = _pillow_image(picture)
            elif hasattr(picture, "__array_interface__"):
                image, alive = _array_image(picture, order)
            else:
                raise TypeError("a %s is no picture; give an array, a Pillow image or a file's name" % type(picture).__name__)
            code = _library.hardface_detect(self._detector, ctypes.byref(image), *results)
            del alive
        if code != 0:
            raise Error(code, _take_text(error))
        found = [Face(*(getattr(faces[i], name) for name in Face._fields)) for i in range(count.value)]
        _library.hardface_free(faces)
        return found
