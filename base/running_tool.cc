#include "base/running_tool.h"

namespace hardface {

ToolIdentity& RunningTool() {
  static ToolIdentity* identity = new ToolIdentity;
  return *identity;
}

}  // namespace hardface
