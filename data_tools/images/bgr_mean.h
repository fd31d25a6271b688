// The mean of the published training set (ImageNet's), which networks have subtracted from their input: a pixel of this
// colour is zero to them.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_BGR_MEAN_H_
#define HARDFACE_DATA_TOOLS_IMAGES_BGR_MEAN_H_

namespace hardface::data {

// B, G, R, of values from 0 to 255.
inline constexpr float kBgrMean[3] = {102.9801f, 115.9465f, 122.7717f};

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_BGR_MEAN_H_
