// Hashes of what a picture looks like, and groups of pictures that look alike.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_PICTURE_HASH_H_
#define HARDFACE_DATA_TOOLS_IMAGES_PICTURE_HASH_H_

#include <array>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <vector>

namespace hardface::data {

// Difference hash: brightness on an 8 x 8 grid against the right neighbour (64 bits) and the lower one (64 bits).
// Resizing, recompression and changes of brightness leave nearly all bits as they are.
struct PictureHash {
  std::array<uint64_t, 2> as_is = {};
  std::array<uint64_t, 2> mirrored = {};  // of the mirror image
};

// IMAGE: 8-bit BGR.
PictureHash HashPicture(const cv::Mat& image);

// Bits that differ, 0..128; of the two pictures, or of one and the other's mirror image, whichever are nearer.
int HashDistance(const PictureHash& a, const PictureHash& b);

// Distances within which two pictures are taken for one: unrelated photographs differ in 64 bits, give or take 6 to 12.
inline constexpr int kSamePictureBits = 16;

// The group of each picture, numbered in the order of their first members: pictures within MAX_BITS of each other, and
// chains of such. Compares all pairs: 10,000 pictures take a second or less, 100,000 about a minute.
std::vector<int64_t> GroupAlike(const std::vector<PictureHash>& hashes, int max_bits = kSamePictureBits);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_PICTURE_HASH_H_
