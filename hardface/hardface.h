/* hardface for C, and for every language that can call C: the library libhardface.so. detector.h is the same for C++.
 *
 *   char* error = NULL;
 *   hardface_detector* detector = hardface_load("hardface-s.safetensors", NULL, &error);
 *   hardface_face* faces = NULL;
 *   size_t count = 0;
 *   if (detector == NULL || hardface_detect_file(detector, "holiday.jpg", &faces, &count, &error) != HARDFACE_OK) {
 *     fprintf(stderr, "%s\n", error);
 *     hardface_free(error);
 *   }
 *   ...
 *   hardface_free(faces);
 *   hardface_close(detector);
 *
 * Structures only grow at their ends, and say how large the caller knows them to be, so that a program that was
 * compiled with an earlier version goes on working. No function throws or ends the process. */
#ifndef HARDFACE_HARDFACE_HARDFACE_H_
#define HARDFACE_HARDFACE_HARDFACE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HARDFACE_API __attribute__((visibility("default")))

/* What functions return; the text that they put into *ERROR says more. */
enum hardface_status {
  HARDFACE_OK = 0,
  HARDFACE_INVALID_ARGUMENT = 3,
  HARDFACE_NOT_FOUND = 5,
  HARDFACE_RESOURCE_EXHAUSTED = 8,  /* out of memory, or the memory limit does not suffice */
  HARDFACE_FAILED_PRECONDITION = 9, /* not in this build or machine (a GPU) */
  HARDFACE_INTERNAL = 13            /* any other number is an error, too */
};

enum hardface_pixel_format {
  HARDFACE_BGR = 0,
  HARDFACE_RGB = 1,
  HARDFACE_BGRA = 2, /* alpha is passed over */
  HARDFACE_RGBA = 3,
  HARDFACE_GRAY = 4
};

typedef struct hardface_detector hardface_detector;

/* A picture of 8 bits a channel in the caller's memory, rows from the top. */
typedef struct {
  const uint8_t* pixels;
  int32_t width; /* pixels */
  int32_t height;
  int32_t format;    /* enum hardface_pixel_format */
  int64_t row_bytes; /* from one row's start to the next one's; 0: rows follow each other without a gap */
} hardface_image;

/* A box in pixels of the picture: its top left corner and its extent. */
typedef struct {
  float x, y;
  float width, height;
  float score; /* 0 to 1; higher is more surely a face */
} hardface_face;

/* How much time a picture may take; docs/DETECT.md says what each does. */
enum hardface_speed { HARDFACE_ACCURATE = 0, HARDFACE_BALANCED = 1, HARDFACE_FAST = 2 };

/* As hardface::DetectorOptions (detector.h); hardface_default_options() fills it. */
typedef struct {
  size_t size;           /* sizeof(hardface_options) */
  float score_threshold; /* -1: the model's own */
  const int32_t* pyramid;
  size_t pyramid_count; /* 0: the model's own */
  int32_t flip;         /* 0 or 1 */
  int32_t speed;        /* enum hardface_speed */
  const char* device;   /* "cpu", "cuda:N" or "auto"; NULL: "cpu" */
  int32_t threads;      /* 0: as many as there are processors */
  int64_t memory_limit;
} hardface_options;

/* "0.1.0". */
HARDFACE_API const char* hardface_version(void);

HARDFACE_API void hardface_default_options(hardface_options* options);

/* Reads a model. OPTIONS may be NULL. NULL where it failed; *ERROR then is a text to be given to hardface_free(). */
HARDFACE_API hardface_detector* hardface_load(const char* model, const hardface_options* options, char** error);

/* Finds the faces, in falling score. *FACES is to be given to hardface_free(), and is NULL where there are none. Any
 * number of threads may use one detector at once. ERROR may be NULL here and below. */
HARDFACE_API int hardface_detect(const hardface_detector* detector, const hardface_image* image, hardface_face** faces,
                                 size_t* count, char** error);

/* The same of a JPEG, PNG, WebP or BMP file, turned as its EXIF data say. */
HARDFACE_API int hardface_detect_file(const hardface_detector* detector, const char* path, hardface_face** faces,
                                      size_t* count, char** error);

/* Nobody may use the detector any more. NULL is fine. */
HARDFACE_API void hardface_close(hardface_detector* detector);

/* Gives back what these functions returned. NULL is fine. */
HARDFACE_API void hardface_free(void* memory);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HARDFACE_HARDFACE_HARDFACE_H_ */
