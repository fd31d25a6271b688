#include "train/run/event_file.h"

#include <isa-l/crc.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "third_party/tensorboard/event.pb.h"

namespace hardface::train {
namespace {

// From this version on, TensorBoard heeds SessionLog START.
constexpr char kFileVersion[] = "brain.Event:2";

uint32_t Crc32c(absl::string_view data) {
  // The library only reads, but takes a pointer to what it might change; without the inversions at both ends.
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));
  return ~crc32_iscsi(bytes, static_cast<int>(data.size()), ~0u);
}

// TFRecord's masking: the checksum of data that holds checksums would be weak.
uint32_t MaskedCrc(absl::string_view data) {
  const uint32_t crc = Crc32c(data);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <typename Integer>
void AppendLittleEndian(Integer value, std::string* bytes) {
  for (size_t i = 0; i < sizeof(value); ++i) bytes->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

std::string Framed(absl::string_view data) {
  std::string record;
  AppendLittleEndian<uint64_t>(data.size(), &record);
  AppendLittleEndian<uint32_t>(MaskedCrc(record), &record);
  record.append(data.data(), data.size());
  AppendLittleEndian<uint32_t>(MaskedCrc(data), &record);
  return record;
}

std::string HostName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

tensorboard::Event EventNow() {
  tensorboard::Event event;
  event.set_wall_time(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventFile>> EventFile::Create(const std::string& folder, int64_t start_iteration) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::InternalError(absl::StrCat(folder, ": cannot make this folder: ", error.message()));
  // TensorBoard reads a folder's files in the order of their names, hence the fixed width of the time.
  const std::string name = absl::StrFormat("%s/events.out.tfevents.%010d.%s.%d", folder,
                                           absl::ToUnixSeconds(absl::Now()), HostName(), getpid());
  std::string path = name;
  std::FILE* file = std::fopen(path.c_str(), "wbxe");
  for (int again = 1; file == nullptr && errno == EEXIST; ++again) {  // the second file of this second
    path = absl::StrFormat("%s.%03d", name, again);
    file = std::fopen(path.c_str(), "wbxe");
  }
  if (file == nullptr) return absl::InternalError(absl::StrCat(path, ": cannot write: ", std::strerror(errno)));
  std::unique_ptr<EventFile> events(new EventFile(path, file));

  tensorboard::Event version = EventNow();
  version.set_file_version(kFileVersion);
  RETURN_IF_ERROR(events->AddRecord(version.SerializeAsString()));
  tensorboard::Event start = EventNow();
  start.set_step(start_iteration + 1);  // TensorBoard drops this step as well
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  RETURN_IF_ERROR(events->AddRecord(start.SerializeAsString()));
  RETURN_IF_ERROR(events->Flush());
  return events;
}

EventFile::~EventFile() { std::fclose(file_); }

absl::Status EventFile::AddScalars(int64_t iteration, const std::vector<std::pair<std::string, double>>& scalars) {
  tensorboard::Event event = EventNow();
  event.set_step(iteration);
  for (const auto& [tag, value] : scalars) {
    tensorboard::Summary::Value* const entry = event.mutable_summary()->add_value();
    entry->set_tag(tag);
    entry->set_simple_value(static_cast<float>(value));
  }
  return AddRecord(event.SerializeAsString());
}

absl::Status EventFile::Flush() {
  if (std::fflush(file_) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path_, ": write failed: ", std::strerror(errno)));
}

absl::Status EventFile::AddRecord(absl::string_view data) {
  const std::string record = Framed(data);
  if (std::fwrite(record.data(), 1, record.size(), file_) == record.size()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path_, ": write failed: ", std::strerror(errno)));
}

}  // namespace hardface::train
