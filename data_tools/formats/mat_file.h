// Reads MATLAB level 5 .mat files (save -v5, -v6 and -v7: plain or zlib-compressed elements), the form in which WIDER
// FACE and the face-eval annotations are published.
//
// Why not libmatio, which other tools use: on damaged files it can loop without end (1 of 450 randomly damaged copies
// of the WIDER files), it reads whole cell trees at 0.14 s a file, and a scorer has to do neither. The tests read what
// libmatio writes.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_MAT_FILE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_MAT_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace hardface::data {

// One array: numbers, text, cells or structs, by what it holds. Elements are in MATLAB's order, column by column.
struct MatValue {
  enum class Kind { kNumbers, kText, kCells, kStructs };

  Kind kind = Kind::kNumbers;
  bool is_integer = false;  // of an int8 .. uint64 class: MATLAB's arithmetic on it rounds and saturates
  std::vector<int64_t> dimensions;
  std::vector<double> numbers;
  std::string text;                 // row vectors only; characters beyond 8 bit become '?'
  std::vector<MatValue> cells;      // kStructs: element 0's fields, then element 1's, ...
  std::vector<std::string> fields;  // kStructs

  // Rows and columns; 0 of an empty array.
  int64_t rows() const { return dimensions.empty() ? 0 : dimensions[0]; }
  int64_t columns() const { return dimensions.size() < 2 ? 0 : dimensions[1]; }
  // Number of elements (not of fields).
  int64_t size() const;
  // The number at (row, column), which must exist.
  double At(int64_t row, int64_t column) const { return numbers[row + column * rows()]; }
  // A field of struct ELEMENT; null when there is none of this name.
  const MatValue* Field(int64_t element, const std::string& name) const;
};

// The variables NAMES (empty: all) of the file. Variables that the file does not have are missing from the map. Errors
// name the file, the variable and what is wrong with it.
absl::StatusOr<std::map<std::string, MatValue>> ReadMatFile(const std::string& path,
                                                            const std::vector<std::string>& names = {});

// The same from bytes; PLACE stands before errors.
absl::StatusOr<std::map<std::string, MatValue>> ParseMatFile(absl::string_view bytes, const std::string& place,
                                                             const std::vector<std::string>& names = {});

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_MAT_FILE_H_
