// Which tool this process is: its name and flags, which its outputs record.
#ifndef HARDFACE_BASE_RUNNING_TOOL_H_
#define HARDFACE_BASE_RUNNING_TOOL_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hardface {

// The project's version, as in CHANGELOG.md.
inline constexpr char kVersion[] = "0.1.0";

// Set by ParseToolFlags (tool_main.h): the running tool ("infer/detect") and its effective flags.
struct ToolIdentity {
  std::string name;
  nlohmann::ordered_json flags = nlohmann::ordered_json::object();
  std::vector<std::string> flag_files;  // that the flags came from, --flagfile
};
ToolIdentity& RunningTool();

}  // namespace hardface

#endif  // HARDFACE_BASE_RUNNING_TOOL_H_
