// A checkpoint's state.json, and what ranks tell each other: any bytes are a state or an error.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "train/run/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = hardface::FuzzText(data, size);
  (void)hardface::train::RankStateFromJson(std::string(text), "a rank's state");
  hardface::FuzzFile(text, "state.json");
  // The weights are missing, so that no state is whole.
  const auto state = hardface::train::LoadCheckpoint(hardface::FuzzFolder());
  HARDFACE_CHECK(!state.ok() && !state.status().message().empty());
  return 0;
}
