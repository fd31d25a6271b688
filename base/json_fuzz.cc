// JSON as all readers parse it: what is taken is JSON to the library as well, and holds every member of the text.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "base/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Json = nlohmann::json;
  const absl::string_view text = hardface::FuzzText(data, size);
  const absl::StatusOr<Json> json = hardface::ParseJson(text, "f");
  if (json.ok()) {
    HARDFACE_CHECK(Json::accept(hardface::WithoutByteOrderMark(text)));
    // Written and read again it is the same; bytes that are not UTF-8 do not get here.
    HARDFACE_CHECK(*hardface::ParseJson(json->dump(), "again") == *json);
  } else {
    HARDFACE_CHECK(json.status().message().substr(0, 2) == "f:");
  }
  int64_t elements = 0;
  const absl::Status list = hardface::ParseJsonList(text, "f", "a list", [&](const Json& element, int64_t number) {
    HARDFACE_CHECK(number == ++elements);
    HARDFACE_CHECK(!json.ok() || (*json)[static_cast<size_t>(number) - 1] == element);
    return absl::OkStatus();
  });
  HARDFACE_CHECK(list.ok() == (json.ok() && json->is_array()));
  return 0;
}
