// The uses of chance in a training. Each has a stream of random numbers of its own, Random({seed, stream, number}), so
// that none depends on how much another has drawn. A number stays with its use: another one would change what a seed
// means.
#ifndef HARDFACE_TRAIN_DATA_RANDOM_STREAM_H_
#define HARDFACE_TRAIN_DATA_RANDOM_STREAM_H_

#include <cstdint>

namespace hardface::train {

enum RandomStream : uint64_t {
  kShuffleStream = 1,    // the order of an epoch; of the epoch's number
  kMiningStream = 2,     // which easy images an epoch leaves out; of the epoch's number
  kAugmentStream = 3,    // of the sample's number
  kNegativesStream = 4,  // the negative anchors that OHEM does not pick; of the sample's number
  kReplicaStream = 5,    // the seed of a rank with an order of its own; of the rank
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_DATA_RANDOM_STREAM_H_
