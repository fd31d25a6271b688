#include "data_tools/formats/mat_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

// "MAT-File Format", The MathWorks, chapter 1: tables 1-1 (data types) and 1-3 (array classes).
enum DataType : uint32_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kInt64 = 12,
  kUint64 = 13,
  kMatrix = 14,
  kCompressed = 15,
  kUtf8 = 16,
  kUtf16 = 17,
  kUtf32 = 18,
};
enum ArrayClass : uint32_t {
  kCellClass = 1,
  kStructClass = 2,
  kCharClass = 4,
  kDoubleClass = 6,
  kSingleClass = 7,
  kInt8Class = 8,
  kUint64Class = 15,
};

constexpr size_t kHeaderBytes = 128;
// Real tables pack to a third or less, and made-up ones of equal rows may do better, hence the room for small files.
// Beyond both limits a file is a bomb: zlib packs a gigabyte into one megabyte.
constexpr size_t kMaxInflatedPerPackedByte = 100;
constexpr size_t kInflatedBytesOfSmallFiles = size_t{64} << 20;  // a variable; the largest of WIDER has 1 MB
constexpr int64_t kMaxElements = 50'000'000;                     // of one array, and of all arrays together
constexpr int64_t kMaxCells = 2'000'000;                         // of all arrays together; WIDER: 0.2 million
constexpr int kMaxDepth = 16;                                    // WIDER: 3 (a cell of cells of arrays)
constexpr int kMaxDimensions = 8;

absl::Status Bad(absl::string_view what) { return absl::InvalidArgumentError(what); }

template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

struct Element {
  uint32_t type = 0;
  absl::string_view data;
};

// Takes one element off the front. Small elements keep their data in the tag; others are padded to 8 bytes, which
// writers leave out at the end.
absl::StatusOr<Element> TakeElement(absl::string_view* bytes) {
  if (bytes->size() < 8) return Bad("it is cut off within a tag");
  const uint32_t first = Load<uint32_t>(bytes->data());
  Element element;
  if (first >> 16 != 0) {
    element.type = first & 0xffff;
    const size_t size = first >> 16;
    if (size > 4) return Bad("it holds a small element of more than 4 bytes");
    element.data = bytes->substr(4, size);
    bytes->remove_prefix(8);
    return element;
  }
  element.type = first;
  const size_t size = Load<uint32_t>(bytes->data() + 4);
  bytes->remove_prefix(8);
  if (size > bytes->size())
    return Bad(absl::StrCat("it is cut off: ", size, " bytes announced, ", bytes->size(), " there"));
  element.data = bytes->substr(0, size);
  const size_t padded = element.type == kCompressed ? size : (size + 7) / 8 * 8;
  bytes->remove_prefix(std::min(padded, bytes->size()));
  return element;
}

template <typename T>
std::vector<double> Convert(absl::string_view data) {
  std::vector<double> numbers(data.size() / sizeof(T));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<double>(Load<T>(data.data() + i * sizeof(T)));
  }
  return numbers;
}

absl::StatusOr<std::vector<double>> Numbers(const Element& element) {
  switch (element.type) {
    case kInt8:
      return Convert<int8_t>(element.data);
    case kUint8:
    case kUtf8:
      return Convert<uint8_t>(element.data);
    case kInt16:
      return Convert<int16_t>(element.data);
    case kUint16:
    case kUtf16:
      return Convert<uint16_t>(element.data);
    case kInt32:
      return Convert<int32_t>(element.data);
    case kUint32:
    case kUtf32:
      return Convert<uint32_t>(element.data);
    case kSingle:
      return Convert<float>(element.data);
    case kDouble:
      return Convert<double>(element.data);
    case kInt64:
      return Convert<int64_t>(element.data);
    case kUint64:
      return Convert<uint64_t>(element.data);
    default:
      return Bad(absl::StrCat("it holds data of type ", element.type, ", which are no numbers"));
  }
}

// What one file may take of memory, whatever it announces: an empty cell has 8 bytes in the file and 200 in memory.
struct Budget {
  int64_t cells = kMaxCells, elements = kMaxElements;
};

// Parses the inside of a miMATRIX element.
class MatrixParser {
 public:
  MatrixParser(absl::string_view bytes, Budget* budget) : bytes_(bytes), budget_(budget) {}

  // Only flags, dimensions and name: enough to know whether the rest is wanted.
  absl::Status ParseHead(std::string* name) {
    ASSIGN_OR_RETURN(const Element flags, TakeElement(&bytes_));
    if (flags.type != kUint32 || flags.data.size() != 8) return Bad("its array flags are broken");
    const uint32_t word = Load<uint32_t>(flags.data.data());
    class_ = word & 0xff;
    complex_ = (word >> 11) & 1;
    ASSIGN_OR_RETURN(const Element dimensions, TakeElement(&bytes_));
    RETURN_IF_ERROR(ReadDimensions(dimensions));
    ASSIGN_OR_RETURN(const Element text, TakeElement(&bytes_));
    name->assign(text.data.data(), text.data.size());
    return absl::OkStatus();
  }

  absl::StatusOr<MatValue> ParseBody(int depth) {
    if (depth > kMaxDepth) return Bad("its cells are nested too deep");
    if (complex_) return Bad("it holds complex numbers");
    if (class_ == kCellClass) return ParseCells(depth);
    if (class_ == kStructClass) return ParseStructs(depth);
    if (class_ == kCharClass || (class_ >= kDoubleClass && class_ <= kUint64Class)) return ParseNumbers();
    return Bad(absl::StrCat("it is an array of class ", class_, "; only numbers, text, cells and structs are read"));
  }

 private:
  absl::Status ReadDimensions(const Element& element) {
    const size_t count = element.data.size() / 4;
    if (element.type != kInt32 || count < 2 || count > kMaxDimensions) return Bad("its dimensions are broken");
    elements_ = 1;
    for (size_t i = 0; i < count; ++i) {
      const int64_t size = Load<int32_t>(element.data.data() + 4 * i);
      if (size < 0 || (size > 0 && elements_ > kMaxElements / size)) {
        return Bad(absl::StrCat("a dimension of ", size, " is not possible"));
      }
      value_.dimensions.push_back(size);
      elements_ *= size;
    }
    return absl::OkStatus();
  }

  absl::Status ParseChildren(int64_t count, int depth) {
    // Every child takes at least its tag, so a count beyond that is a lie and must not reserve memory.
    if (count > static_cast<int64_t>(bytes_.size() / 8)) {
      return Bad(absl::StrCat("it announces ", count, " cells but has bytes for fewer"));
    }
    budget_->cells -= count;
    if (budget_->cells < 0)
      return Bad(absl::StrCat("the file has more than ", kMaxCells, " cells, which is the limit"));
    value_.cells.reserve(count);
    for (int64_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const Element element, TakeElement(&bytes_));
      if (element.type != kMatrix) return Bad(absl::StrCat("cell ", i + 1, " is not an array"));
      if (element.data.empty()) {  // how an empty cell is stored
        value_.cells.emplace_back();
        continue;
      }
      MatrixParser child(element.data, budget_);
      std::string name;
      RETURN_IF_ERROR(child.ParseHead(&name));
      ASSIGN_OR_RETURN(value_.cells.emplace_back(), child.ParseBody(depth + 1));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<MatValue> ParseCells(int depth) {
    value_.kind = MatValue::Kind::kCells;
    RETURN_IF_ERROR(ParseChildren(elements_, depth));
    return std::move(value_);
  }

  absl::StatusOr<MatValue> ParseStructs(int depth) {
    value_.kind = MatValue::Kind::kStructs;
    ASSIGN_OR_RETURN(const Element length_element, TakeElement(&bytes_));
    if (length_element.type != kInt32 || length_element.data.size() != 4) return Bad("its field name length is broken");
    const int32_t length = Load<int32_t>(length_element.data.data());
    ASSIGN_OR_RETURN(const Element names, TakeElement(&bytes_));
    if (length <= 0 || names.data.size() % length != 0) return Bad("its field names are broken");
    for (size_t at = 0; at < names.data.size(); at += length) {
      const absl::string_view name = names.data.substr(at, length);
      value_.fields.emplace_back(name.substr(0, name.find('\0')));
    }
    const auto fields = static_cast<int64_t>(value_.fields.size());
    if (fields > 1000) return Bad("it has more than 1000 fields");
    // They take no bytes, so that any number of them could be announced.
    if (fields == 0 && elements_ > 1) return Bad(absl::StrCat("it announces ", elements_, " structs without fields"));
    RETURN_IF_ERROR(ParseChildren(elements_ * fields, depth));
    return std::move(value_);
  }

  absl::StatusOr<MatValue> ParseNumbers() {
    value_.is_integer = class_ >= kInt8Class;
    ASSIGN_OR_RETURN(const Element element, TakeElement(&bytes_));
    budget_->elements -= static_cast<int64_t>(element.data.size());
    if (budget_->elements < 0) {
      return Bad(absl::StrCat("the file has more than ", kMaxElements, " bytes of numbers, which is the limit"));
    }
    ASSIGN_OR_RETURN(value_.numbers, Numbers(element));
    if (static_cast<int64_t>(value_.numbers.size()) != elements_) {
      return Bad(absl::StrCat("it announces ", elements_, " numbers and holds ", value_.numbers.size()));
    }
    if (class_ == kCharClass) MakeText();
    return std::move(value_);
  }

  void MakeText() {
    value_.kind = MatValue::Kind::kText;
    value_.is_integer = false;
    value_.text.reserve(value_.numbers.size());
    for (double code : value_.numbers)
      value_.text += code >= 0 && code < 256 ? static_cast<char>(static_cast<unsigned char>(code)) : '?';
    value_.numbers.clear();
  }

  absl::string_view bytes_;
  Budget* const budget_;
  uint32_t class_ = 0;
  bool complex_ = false;
  int64_t elements_ = 0;
  MatValue value_;
};

// Inflates at most LIMIT bytes (0: all). A stream that ends early or is damaged is an error unless LIMIT was reached.
absl::StatusOr<std::string> Inflate(absl::string_view packed, size_t limit) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return absl::ResourceExhaustedError("zlib does not start: no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  const size_t most = std::max(kInflatedBytesOfSmallFiles, packed.size() * kMaxInflatedPerPackedByte);
  std::string plain;
  int result = Z_OK;
  while (result == Z_OK && (limit == 0 || plain.size() < limit) && plain.size() < most) {
    const size_t chunk = limit != 0 ? limit : std::max<size_t>(1 << 16, plain.size());
    const size_t old_size = plain.size();
    plain.resize(old_size + chunk);
    stream.next_out = reinterpret_cast<Bytef*>(&plain[old_size]);
    stream.avail_out = static_cast<uInt>(chunk);
    result = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result == Z_STREAM_END || (limit != 0 && plain.size() >= limit)) return plain;
  if (result == Z_OK) {
    return Bad(absl::StrCat("it inflates to more than ", most >> 20, " MB, ", kMaxInflatedPerPackedByte,
                            " times its own size or 64 MB where that is more, which is the limit"));
  }
  return Bad("its compressed data are damaged or cut off");
}

bool Wanted(const std::string& name, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// The name of the array whose element starts BYTES, which may be cut off behind the name.
absl::StatusOr<std::string> PeekName(absl::string_view bytes) {
  if (bytes.size() < 8) return Bad("it is cut off within a tag");
  std::string name;
  Budget budget;
  MatrixParser parser(bytes.substr(8), &budget);
  RETURN_IF_ERROR(parser.ParseHead(&name));
  return name;
}

absl::Status ParseMatrixElement(absl::string_view data, const std::vector<std::string>& names, Budget* budget,
                                std::string* name, std::map<std::string, MatValue>* variables) {
  MatrixParser parser(data, budget);
  RETURN_IF_ERROR(parser.ParseHead(name));
  if (!Wanted(*name, names)) return absl::OkStatus();
  ASSIGN_OR_RETURN((*variables)[*name], parser.ParseBody(/*depth=*/0));
  return absl::OkStatus();
}

absl::Status ParseTopElement(const Element& element, const std::vector<std::string>& names, Budget* budget,
                             std::string* name, std::map<std::string, MatValue>* variables) {
  if (element.type == kMatrix) return ParseMatrixElement(element.data, names, budget, name, variables);
  if (element.type != kCompressed) {
    return Bad(absl::StrCat("it is of type ", element.type, ", not an array"));
  }
  constexpr size_t kHeadBytes = 256;  // flags, at most 8 dimensions and a name of at most 63 letters
  if (!names.empty()) {
    ASSIGN_OR_RETURN(const std::string head, Inflate(element.data, kHeadBytes));
    const absl::StatusOr<std::string> peeked = PeekName(head);
    if (peeked.ok() && !Wanted(*peeked, names)) return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string plain, Inflate(element.data, 0));
  absl::string_view rest = plain;
  ASSIGN_OR_RETURN(const Element inner, TakeElement(&rest));
  if (inner.type != kMatrix) return Bad("what it holds compressed is not an array");
  return ParseMatrixElement(inner.data, names, budget, name, variables);
}

absl::Status CheckHeader(absl::string_view bytes, const std::string& place) {
  if (bytes.size() >= 8 && bytes.substr(1, 3) == "HDF") {
    return Bad(absl::StrCat(place, ": is a MATLAB 7.3 (HDF5) file; save it with -v7 in MATLAB or Octave"));
  }
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 6) != "MATLAB") {
    return Bad(absl::StrCat(place, ": is not a MATLAB .mat file (", bytes.size(),
                            " bytes, no MATLAB 5.0 header); expected one saved with -v5, -v6 or -v7"));
  }
  if (bytes.substr(126, 2) == "MI") {
    return Bad(absl::StrCat(place, ": is a big-endian .mat file; load and save it on a current machine"));
  }
  if (bytes.substr(126, 2) == "IM") return absl::OkStatus();
  return Bad(absl::StrCat(place, ": its .mat header is damaged (byte order mark)"));
}

}  // namespace

int64_t MatValue::size() const {
  int64_t count = dimensions.empty() ? 0 : 1;
  for (int64_t dimension : dimensions) count *= dimension;
  return count;
}

const MatValue* MatValue::Field(int64_t element, const std::string& name) const {
  const auto found = std::find(fields.begin(), fields.end(), name);
  if (found == fields.end() || element < 0 || element >= size()) return nullptr;
  return &cells[element * fields.size() + (found - fields.begin())];
}

absl::StatusOr<std::map<std::string, MatValue>> ParseMatFile(absl::string_view bytes, const std::string& place,
                                                             const std::vector<std::string>& names) {
  RETURN_IF_ERROR(CheckHeader(bytes, place));
  std::map<std::string, MatValue> variables;
  absl::string_view rest = bytes.substr(kHeaderBytes);
  Budget budget;
  for (int number = 1; !rest.empty(); ++number) {
    std::string name;
    const size_t offset = bytes.size() - rest.size();
    const absl::StatusOr<Element> element = TakeElement(&rest);
    const absl::Status status =
        element.ok() ? ParseTopElement(*element, names, &budget, &name, &variables) : element.status();
    if (!status.ok()) {
      return Bad(absl::StrCat(place, ": variable ", number, name.empty() ? "" : absl::StrCat(" (", name, ")"),
                              " at byte ", offset, " cannot be read: ", status.message(),
                              ". The file is damaged or not complete; get it again"));
    }
  }
  return variables;
}

absl::StatusOr<std::map<std::string, MatValue>> ReadMatFile(const std::string& path,
                                                            const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return ParseMatFile(bytes, path, names);
}

}  // namespace hardface::data
