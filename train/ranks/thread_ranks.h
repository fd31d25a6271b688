// Ranks as threads of one process: for tests of what ranks do together.
#ifndef HARDFACE_TRAIN_RANKS_THREAD_RANKS_H_
#define HARDFACE_TRAIN_RANKS_THREAD_RANKS_H_

#include <functional>

#include "train/ranks/communicator.h"

namespace hardface::train {

// Runs WORK once for each of COUNT ranks, each on a thread of its own, and returns when all have ended.
void RunRanks(int count, const std::function<void(Communicator*)>& work);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_THREAD_RANKS_H_
