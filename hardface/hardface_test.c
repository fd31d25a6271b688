/* The C interface, compiled as C. */
#include "hardface/hardface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

enum { kWidth = 64, kHeight = 48 };

int main(void) {
  const int32_t levels[] = {60, 100};
  uint8_t pixels[kHeight * kWidth * 3], mirrored_channels[kHeight * kWidth * 3];
  uint32_t state = 1;
  size_t i, count = 0, other_count = 0;
  char* error = NULL;
  hardface_options options;
  hardface_image image = {pixels, kWidth, kHeight, HARDFACE_BGR, 0};
  hardface_face *faces = NULL, *others = NULL;
  hardface_detector* detector;
  for (i = 0; i < sizeof(pixels); ++i) {
    state = state * 1664525u + 1013904223u;
    pixels[i] = (uint8_t)(state >> 24);
  }
  for (i = 0; i < sizeof(pixels); ++i) mirrored_channels[i] = pixels[i / 3 * 3 + 2 - i % 3];

  CHECK(strchr(hardface_version(), '.') != NULL);
  CHECK(hardface_load("/no/such.safetensors", NULL, &error) == NULL);
  CHECK(strstr(error, "/no/such.safetensors") != NULL);
  hardface_free(error);
  CHECK(hardface_load(NULL, NULL, NULL) == NULL);

  hardface_default_options(&options);
  CHECK(options.score_threshold == -1 && options.flip == 1 && options.pyramid_count == 0);
  options.score_threshold = 0.005f;
  options.pyramid = levels;
  options.pyramid_count = 2;
  options.threads = 1;
  detector = hardface_load("model/zoo/hardface-s.safetensors", &options, &error);
  CHECK(detector != NULL && error == NULL);

  CHECK(hardface_detect(detector, &image, &faces, &count, &error) == HARDFACE_OK);
  CHECK(count > 0 && faces != NULL && error == NULL);
  for (i = 0; i < count; ++i) {
    CHECK(faces[i].score > 0.005f && faces[i].score <= 1);
    CHECK(faces[i].x > -1 && faces[i].x + faces[i].width < kWidth + 1);
    CHECK(i == 0 || faces[i].score <= faces[i - 1].score);
  }
  image.pixels = mirrored_channels;
  image.format = HARDFACE_RGB;
  image.row_bytes = kWidth * 3;
  CHECK(hardface_detect(detector, &image, &others, &other_count, NULL) == HARDFACE_OK);
  CHECK(other_count == count && memcmp(faces, others, count * sizeof(hardface_face)) == 0);
  hardface_free(faces);
  hardface_free(others);

  image.width = -1;
  CHECK(hardface_detect(detector, &image, &faces, &count, &error) == HARDFACE_INVALID_ARGUMENT);
  CHECK(faces == NULL && count == 0 && strstr(error, "-1 x 48") != NULL);
  hardface_free(error);
  CHECK(hardface_detect_file(detector, "/no/such.jpg", &faces, &count, &error) == HARDFACE_NOT_FOUND);
  CHECK(strstr(error, "/no/such.jpg") != NULL);
  hardface_free(error);
  CHECK(hardface_detect(detector, NULL, &faces, &count, NULL) == HARDFACE_INVALID_ARGUMENT);
  hardface_close(detector);
  hardface_close(NULL);

  /* A caller that was compiled when the structure ended behind the threshold. */
  memset(&options, 0x55, sizeof(options));
  options.size = offsetof(hardface_options, pyramid);
  options.score_threshold = 0.5f;
  detector = hardface_load("model/zoo/hardface-s.safetensors", &options, &error);
  CHECK(detector != NULL);
  hardface_close(detector);
  puts("PASSED");
  return 0;
}
