#include "model/cuda/precision.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

constexpr std::pair<Precision, const char*> kNames[] = {
    {Precision::kFp32, "fp32"}, {Precision::kTf32, "tf32"}, {Precision::kBf16, "bf16"}, {Precision::kFp16, "fp16"}};

}  // namespace

absl::StatusOr<Precision> ParsePrecision(const std::string& name) {
  for (const auto& [precision, known] : kNames) {
    if (name == known) return precision;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown precision \"", name, "\"; give one of fp32, tf32, bf16, fp16"));
}

std::string PrecisionName(Precision precision) {
  for (const auto& [known, name] : kNames) {
    if (known == precision) return name;
  }
  return "";
}

ElementType ElementTypeOf(Precision precision) {
  if (precision == Precision::kBf16) return ElementType::kBfloat16;
  return precision == Precision::kFp16 ? ElementType::kHalf : ElementType::kFloat;
}

int ElementBytes(ElementType type) { return type == ElementType::kFloat ? 4 : 2; }

double ToleranceOf(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return 1e-5;
    case Precision::kTf32:
    case Precision::kFp16:  // the mantissas are equally long
      return 1e-3;
    case Precision::kBf16:
      break;
  }
  return 1e-2;
}

}  // namespace hardface::model
