// ParallelFor: splits independent work over threads.
#ifndef HARDFACE_BASE_PARALLEL_H_
#define HARDFACE_BASE_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace hardface {

// The value of a --threads flag: 0 means every processor this process may use; more than 1024 are 1024.
int ResolveThreads(int threads);

// Runs task(0) .. task(count - 1), each once, on up to THREADS threads, the caller's among them; returns when all are
// done. An exception of a task (no memory) ends the work and is thrown on to the caller. Tasks start in order. For
// tasks of a millisecond and more (files, images): threads are started anew each call.
void ParallelFor(int64_t count, int threads, const std::function<void(int64_t)>& task);

}  // namespace hardface

#endif  // HARDFACE_BASE_PARALLEL_H_
