// The settings of a tool as one table. A knob's flag, its default (that of the options struct which it sets), its range
// and when it applies stand in one row; --help, the checks and the tables in docs/ come from it.
//
//   #define KNOB(name, member, meaning) HARDFACE_KNOB(SolverOptions, name, member, meaning)
//   KNOB(learning_rate, schedule.base, "Learning rate at the start.").Heading("Solver").Range(1e-12, 10);
//   KNOB(momentum, momentum, "Momentum.").Range(0, 0.9999).With("solver", "sgd");
//
// makes --learning_rate and --momentum; KnobsOf<SolverOptions>().Set(&options) then takes them into an options struct.
// The rows of a table stand in one file, NAME_flags.cc or NAME_main.cc, in the order that readers should see.
#ifndef HARDFACE_BASE_KNOBS_H_
#define HARDFACE_BASE_KNOBS_H_

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/flag_values.h"
#include "base/status_macros.h"

namespace hardface {

// One row. The methods add to it and give it back.
class Knob {
 public:
  Knob(absl::string_view flag, absl::string_view meaning) : flag_(flag), meaning_(meaning) {}

  // This row and those behind it belong to a group of that name.
  Knob& Heading(absl::string_view heading);
  // The least and the greatest value, which are allowed, too.
  Knob& Range(double low, double high, absl::string_view unit = "");
  // The greatest value is that of another flag.
  Knob& RangeTo(double low, absl::string_view high_flag, absl::string_view unit = "");
  // The knob says nothing but where FLAG is VALUE. Who sets it nevertheless expects something else to happen, so it is
  // an error; BECAUSE says why ("it applies with --FLAG=VALUE only").
  Knob& With(absl::string_view flag, absl::string_view value, absl::string_view because = "");
  // ... but where the switch FLAG is on.
  Knob& WithSwitch(absl::string_view flag, absl::string_view because);
  // ... but where FLAG is not VALUE, which WHEN says in the help ("on GPUs"; "" leaves it unsaid).
  Knob& Unless(absl::string_view flag, absl::string_view value, absl::string_view when, absl::string_view because);

  const std::string& flag() const { return flag_; }
  const std::string& heading() const { return heading_; }
  // What --help says: the meaning, the range, and when it applies, each in a sentence.
  std::string Help() const;
  // A row of a Markdown table: flag, default, range, when it applies, meaning.
  std::string MarkdownRow() const;

  // UsageErrors for a value out of range, and for one that has no effect beside the others.
  absl::Status CheckRange() const;
  absl::Status CheckEffect() const;

 private:
  struct Limits {
    double low, high;
    std::string high_flag;  // "": `high` counts
    std::string unit;
  };
  struct Condition {
    std::string flag, value;
    bool equal;           // else the flag must have another value
    std::string when;     // "with --crops=paper"
    std::string because;  // why the knob has no effect
  };

  std::string RangeText() const;  // "from 0 to 1"; "" without limits
  std::string WhenText() const;   // "with --him"; "" where it always applies

  std::string flag_, meaning_, heading_;
  std::optional<Limits> limits_;
  std::vector<Condition> conditions_;
};

// The rows, in order.
class KnobList {
 public:
  Knob& Add(absl::string_view flag, absl::string_view meaning) { return knobs_.emplace_back(flag, meaning); }

  std::string Help(absl::string_view flag) const;
  // A table for each heading.
  std::string ToMarkdown() const;
  absl::Status CheckRanges() const;
  absl::Status CheckEffects() const;

 private:
  std::deque<Knob> knobs_;  // which stay where they are
};

// The rows that set an OPTIONS.
template <typename Options>
class KnobTable : public KnobList {
 public:
  using Setter = std::function<absl::Status(Options* options)>;

  Knob& AddSetting(absl::string_view flag, absl::string_view meaning, Setter setter) {
    setters_.push_back(std::move(setter));
    return Add(flag, meaning);
  }
  // Takes the flags' values into OPTIONS. UsageErrors for words and lists that mean nothing.
  absl::Status Set(Options* options) const {
    for (const Setter& setter : setters_) RETURN_IF_ERROR(setter(options));
    return absl::OkStatus();
  }

 private:
  std::vector<Setter> setters_;
};

template <typename Options>
KnobTable<Options>& KnobsOf() {
  static auto* const table = new KnobTable<Options>();
  return *table;
}

// How a member of an options struct stands in a flag: numbers, switches and texts as they are, ...
template <typename Member, typename Enable = void>
struct KnobForm {
  using Flag = Member;
  static Flag ToFlag(const Member& member) { return member; }
  static absl::Status FromFlag(absl::string_view, const Flag& value, Member* member) {
    *member = value;
    return absl::OkStatus();
  }
};

// ... lists of positive whole numbers separated by commas, ...
template <typename Integer>
struct KnobForm<std::vector<Integer>, std::enable_if_t<std::is_integral_v<Integer>>> {
  using Flag = std::vector<std::string>;
  static Flag ToFlag(const std::vector<Integer>& member) {
    Flag texts;
    for (const Integer number : member) texts.push_back(absl::StrCat(number));
    return texts;
  }
  static absl::Status FromFlag(absl::string_view flag, const Flag& value, std::vector<Integer>* member) {
    return ParsePositive(flag, value, member);
  }
};

// ... and an enumeration as one of the words that FlagChoices(Enum()), in its namespace, has for it.
template <typename Enum>
struct KnobForm<Enum, std::enable_if_t<std::is_enum_v<Enum>>> {
  using Flag = std::string;
  static Flag ToFlag(Enum member) {
    for (const auto& [word, value] : FlagChoices(Enum())) {
      if (value == member) return word;
    }
    return "";
  }
  static absl::Status FromFlag(absl::string_view flag, const Flag& value, Enum* member) {
    return Choose(flag, value, FlagChoices(Enum()), member);
  }
};

}  // namespace hardface

// A flag --NAME whose value goes into OPTIONS::MEMBER (or OPTIONS::PART.MEMBER), which gives its default. MEANING: one
// or more sentences. It is an expression of the row, a Knob&.
#define HARDFACE_KNOB(Options, name, member, meaning)                                                     \
  HARDFACE_KNOB_SET(Options, ::hardface::KnobForm<decltype(Options().member)>::Flag, name,                \
                    ::hardface::KnobForm<decltype(Options().member)>::ToFlag(Options().member), meaning,  \
                    [](const auto& value, Options* options) {                                             \
                      return ::hardface::KnobForm<decltype(options->member)>::FromFlag(#name, value,      \
                                                                                       &options->member); \
                    })

// A flag that goes into OPTIONS by SET, a function of its value and an OPTIONS* that returns an absl::Status.
#define HARDFACE_KNOB_SET(Options, type, name, default_value, meaning, set)                                \
  ABSL_FLAG(type, name, default_value, ::hardface::KnobsOf<Options>().Help(#name));                        \
  [[maybe_unused]] static const ::hardface::Knob& knob_##name = ::hardface::KnobsOf<Options>().AddSetting( \
      #name, meaning, [](Options* options) -> absl::Status { return (set)(absl::GetFlag(FLAGS_##name), options); })

// A row for a flag that another file declares, and that its own code takes.
#define HARDFACE_KNOB_ELSEWHERE(Options, name) \
  [[maybe_unused]] static const ::hardface::Knob& knob_##name = ::hardface::KnobsOf<Options>().Add(#name, "")

#endif  // HARDFACE_BASE_KNOBS_H_
