// Exceptions of OpenCV, oneDNN, OpenMP and the memory as errors.
#ifndef HARDFACE_BASE_WITHOUT_EXCEPTIONS_H_
#define HARDFACE_BASE_WITHOUT_EXCEPTIONS_H_

#include <exception>
#include <new>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace hardface {

// What WORK returns, an absl::Status or StatusOr. Memory that is not there is ResourceExhausted; any other exception is
// an error of the code UNEXPECTED. What the exception leaves behind has cleaned up after itself by then.
template <typename Work>
auto WithoutExceptions(const Work& work, absl::StatusCode unexpected = absl::StatusCode::kInternal)
    -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& exception) {
    return absl::Status(unexpected, absl::StrCat("unexpected: ", exception.what()));
  }
}

}  // namespace hardface

#endif  // HARDFACE_BASE_WITHOUT_EXCEPTIONS_H_
