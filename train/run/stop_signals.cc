#include "train/run/stop_signals.h"

#include <signal.h>

namespace hardface::train {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGUSR1};

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler must not wait for a lock");

// The next signal of any of them is the last.
void Receive(int number) {
  received = number;
  for (const int other : kSignals) signal(other, SIG_DFL);
}

}  // namespace

const std::atomic<int>* StopOnSignals() {
  struct sigaction action {};
  action.sa_handler = &Receive;
  action.sa_flags = SA_RESTART;  // reads and writes that are under way go on
  for (const int number : kSignals) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  return &received;
}

}  // namespace hardface::train
