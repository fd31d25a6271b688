// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status and absl::StatusOr.
#ifndef HARDFACE_BASE_STATUS_MACROS_H_
#define HARDFACE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define HARDFACE_CONCAT_INNER(a, b) a##b
#define HARDFACE_CONCAT(a, b) HARDFACE_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                    \
  do {                                                 \
    absl::Status hardface_status = (expression);       \
    if (!hardface_status.ok()) return hardface_status; \
  } while (false)

#define ASSIGN_OR_RETURN(target, expression) \
  HARDFACE_ASSIGN_OR_RETURN(HARDFACE_CONCAT(hardface_or_, __LINE__), target, expression)

#define HARDFACE_ASSIGN_OR_RETURN(result, target, expression) \
  auto result = (expression);                                 \
  if (!result.ok()) return result.status();                   \
  target = std::move(result).value()

#endif  // HARDFACE_BASE_STATUS_MACROS_H_
