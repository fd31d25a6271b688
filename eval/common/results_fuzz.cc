// Archives of results, and results in WIDER FACE's text form and as COCO's list.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "eval/common/coco_results.h"
#include "eval/common/result_text.h"
#include "eval/common/result_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = hardface::FuzzText(data, size);
  const auto text = hardface::eval::ParseResultText(bytes, "results");
  HARDFACE_CHECK(text.ok() || text.status().message().substr(0, 7) == "results");
  const std::string path = hardface::FuzzFile(bytes, "results");
  const auto tree = hardface::eval::ReadResultTree(path, /*threads=*/1);
  HARDFACE_CHECK(tree.ok() || tree.status().message().find("results") != std::string::npos);
  const auto coco = hardface::eval::ReadCocoResults(path, {}, {"1", "a/b"});
  HARDFACE_CHECK(coco.ok() || coco.status().message().find("results") != std::string::npos);
  return 0;
}
