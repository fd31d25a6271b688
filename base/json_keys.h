// Keys of JSON that people edit by hand.
#ifndef HARDFACE_BASE_JSON_KEYS_H_
#define HARDFACE_BASE_JSON_KEYS_H_

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hardface {

// Unknown keys are passed over, because later versions may add some. One that is a known key misspelt ("ignored",
// "Flip") would then have no effect, without a word: it is an error that begins with PLACE, where OBJECT lacks the
// known key. KNOWN: all keys that OBJECT may have.
absl::Status CheckNoMisspeltKey(const nlohmann::json& object, std::initializer_list<absl::string_view> known,
                                absl::string_view place);

}  // namespace hardface

#endif  // HARDFACE_BASE_JSON_KEYS_H_
