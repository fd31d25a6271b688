// Finds faces in pictures: find_faces MODEL PICTURE ...
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hardface/detector.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "Give a model and pictures: find_faces hardface-s.safetensors holiday.jpg\n");
    return 2;
  }
  const auto detector = hardface::Detector::Load(argv[1]);
  if (!detector.ok()) {
    std::fprintf(stderr, "%s\n", std::string(detector.status().message()).c_str());
    return EXIT_FAILURE;
  }
  for (int i = 2; i < argc; ++i) {
    const auto faces = detector->DetectFile(argv[i]);
    if (!faces.ok()) {
      std::fprintf(stderr, "%s\n", std::string(faces.status().message()).c_str());
      return EXIT_FAILURE;
    }
    for (const hardface::Face& face : *faces) {
      std::printf("%s: %.0f x %.0f pixels at (%.0f, %.0f), score %.2f\n", argv[i], face.width, face.height, face.x,
                  face.y, face.score);
    }
  }
}
