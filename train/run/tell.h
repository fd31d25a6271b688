// How the parts of a training say what people should know of the whole of it.
#ifndef HARDFACE_TRAIN_RUN_TELL_H_
#define HARDFACE_TRAIN_RUN_TELL_H_

#include <functional>
#include <string>

namespace hardface::train {

// Says MESSAGE on stderr and in the run's messages.txt, where this rank leads; else nothing.
using TellFunction = std::function<void(const std::string& message)>;

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_TELL_H_
