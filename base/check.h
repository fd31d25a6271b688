// CHECK: ends the program on a broken promise of our own code. Bad input is never a CHECK: it is an absl::Status.
#ifndef HARDFACE_BASE_CHECK_H_
#define HARDFACE_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define HARDFACE_CHECK(condition)                                                               \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      std::fprintf(stderr, "%s:%d: bug: this must hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                             \
    }                                                                                           \
  } while (false)

#endif  // HARDFACE_BASE_CHECK_H_
