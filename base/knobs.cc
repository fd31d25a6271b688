#include "base/knobs.h"

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/tool_main.h"

namespace hardface {
namespace {

const absl::CommandLineFlag& FlagNamed(absl::string_view name) {
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  HARDFACE_CHECK(flag != nullptr);  // a row names a flag that the tool does not have
  return *flag;
}

double NumberOf(absl::string_view flag) {
  double number = 0;
  HARDFACE_CHECK(absl::SimpleAtod(FlagNamed(flag).CurrentValue(), &number));  // a range for a flag that is no number
  return number;
}

// Limits from here on are for arithmetic's sake, and texts leave them out.
constexpr double kNoLimit = 1e9;

// 1000000, not 1e+06.
std::string NumberText(double number) { return absl::StrFormat("%.12g", number); }

// A bar would end the cell.
std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

}  // namespace

Knob& Knob::Heading(absl::string_view heading) {
  heading_ = std::string(heading);
  return *this;
}

Knob& Knob::Range(double low, double high, absl::string_view unit) {
  limits_ = Limits{low, high, "", std::string(unit)};
  return *this;
}

Knob& Knob::RangeTo(double low, absl::string_view high_flag, absl::string_view unit) {
  limits_ = Limits{low, 0, std::string(high_flag), std::string(unit)};
  return *this;
}

Knob& Knob::With(absl::string_view flag, absl::string_view value, absl::string_view because) {
  const std::string setting = absl::StrCat("--", flag, "=", value);
  conditions_.push_back({std::string(flag), std::string(value), true, "with " + setting,
                         because.empty() ? absl::StrCat("it applies with ", setting, " only") : std::string(because)});
  return *this;
}

Knob& Knob::WithSwitch(absl::string_view flag, absl::string_view because) {
  conditions_.push_back({std::string(flag), "true", true, absl::StrCat("with --", flag), std::string(because)});
  return *this;
}

Knob& Knob::Unless(absl::string_view flag, absl::string_view value, absl::string_view when, absl::string_view because) {
  conditions_.push_back({std::string(flag), std::string(value), false, std::string(when), std::string(because)});
  return *this;
}

std::string Knob::RangeText() const {
  if (!limits_.has_value()) return "";
  const std::string unit = limits_->unit.empty() ? "" : " " + limits_->unit;
  if (limits_->high_flag.empty() && limits_->high >= kNoLimit) {
    return absl::StrCat("at least ", NumberText(limits_->low), unit);
  }
  const std::string high = limits_->high_flag.empty() ? NumberText(limits_->high) : "--" + limits_->high_flag;
  // What is nearly 0 stands for everything above it.
  const bool above_zero = limits_->low > 0 && limits_->low < 1e-6;
  return absl::StrCat(above_zero ? "above 0, up to " : absl::StrCat("from ", NumberText(limits_->low), " to "), high,
                      unit);
}

std::string Knob::WhenText() const {
  std::vector<std::string> when;
  for (const Condition& condition : conditions_) {
    if (!condition.when.empty()) when.push_back(condition.when);
  }
  return absl::StrJoin(when, " and ");
}

std::string Knob::Help() const {
  std::string text = meaning_;
  if (const std::string range = RangeText(); !range.empty()) absl::StrAppend(&text, " Must be ", range, ".");
  if (const std::string when = WhenText(); !when.empty()) absl::StrAppend(&text, " Applies ", when, ".");
  return text;
}

std::string Knob::MarkdownRow() const {
  const absl::CommandLineFlag& flag = FlagNamed(flag_);
  const std::string standard = flag.DefaultValue(), meaning = meaning_.empty() ? flag.Help() : meaning_;
  return absl::StrCat("| `--", flag_, "` | ", standard.empty() ? "" : absl::StrCat("`", Cell(standard), "`"), " | ",
                      RangeText(), " | ", WhenText(), " | ", Cell(meaning), " |\n");
}

absl::Status Knob::CheckRange() const {
  if (!limits_.has_value()) return absl::OkStatus();
  const double high = limits_->high_flag.empty() ? limits_->high : NumberOf(limits_->high_flag);
  return RequireRange(flag_, NumberOf(flag_), limits_->low, high);
}

absl::Status Knob::CheckEffect() const {
  if (!FlagDiffers(flag_)) return absl::OkStatus();
  for (const Condition& condition : conditions_) {
    if ((FlagNamed(condition.flag).CurrentValue() == condition.value) == condition.equal) continue;
    return UsageError(absl::StrCat("--", flag_, " has no effect: ", condition.because,
                                   "; leave one of the two out (settings in flag files count as well)"));
  }
  return absl::OkStatus();
}

std::string KnobList::Help(absl::string_view flag) const {
  for (const Knob& knob : knobs_) {
    if (knob.flag() == flag) return knob.Help();
  }
  return "";
}

std::string KnobList::ToMarkdown() const {
  std::string text;
  for (const Knob& knob : knobs_) {
    if (!knob.heading().empty()) {
      absl::StrAppend(&text, "\n## ", knob.heading(), "\n\n| flag | default | range | applies | meaning |\n",
                      "|---|---|---|---|---|\n");
    }
    text += knob.MarkdownRow();
  }
  return text;
}

absl::Status KnobList::CheckRanges() const {
  for (const Knob& knob : knobs_) RETURN_IF_ERROR(knob.CheckRange());
  return absl::OkStatus();
}

absl::Status KnobList::CheckEffects() const {
  for (const Knob& knob : knobs_) RETURN_IF_ERROR(knob.CheckEffect());
  return absl::OkStatus();
}

}  // namespace hardface
