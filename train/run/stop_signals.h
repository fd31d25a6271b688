// Asks a training to stop at the next good place.
#ifndef HARDFACE_TRAIN_RUN_STOP_SIGNALS_H_
#define HARDFACE_TRAIN_RUN_STOP_SIGNALS_H_

#include <atomic>

namespace hardface::train {

// From now on SIGTERM (kill, a batch system whose time is up), SIGINT (Ctrl-C) and SIGUSR1 (which mpirun passes on to
// its ranks) do not end this process: they set what is returned to the signal's number, 0 before. A second one ends it
// at once, as ever; so does SIGKILL. Signals that are ignored, as by nohup, stay so.
const std::atomic<int>* StopOnSignals();

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_STOP_SIGNALS_H_
