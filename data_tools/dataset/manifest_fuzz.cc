// Manifests: any bytes are a dataset or an error that names the file, and what is read can be written and read again.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/dataset/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace data_tools = hardface::data;
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "manifest.jsonl");
  const auto dataset = data_tools::ReadDataset(path);
  if (!dataset.ok()) {
    HARDFACE_CHECK(dataset.status().message().find("manifest.jsonl") != std::string::npos);
    return 0;
  }
  for (const data_tools::DatasetEntry& entry : dataset->entries) {
    const std::string line = data_tools::EntryToJson(entry);
    const auto again = data_tools::EntryFromJson(line, "again");
    HARDFACE_CHECK(again.ok() && data_tools::EntryToJson(*again) == line);
  }
  return 0;
}
