#include "train/run/event_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "third_party/tensorboard/event.pb.h"

namespace hardface::train {
namespace {

using tensorboard::Event;

std::string NewFolder(const std::string& name) {
  const std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  return folder;
}

// CRC-32C bit by bit, by its definition: polynomial 0x1EDC6F41, reflected.
uint32_t MaskedCrcByDefinition(const std::string& data) {
  uint32_t crc = ~0u;
  for (const unsigned char byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <typename Integer>
Integer Take(std::string* bytes) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) value |= Integer{static_cast<unsigned char>((*bytes)[i])} << (8 * i);
  bytes->erase(0, sizeof(value));
  return value;
}

// Every event of a file; fails where a frame or checksum is wrong.
std::vector<Event> ReadEvents(const std::string& path) {
  std::string bytes = ReadFile(path).value();
  std::vector<Event> events;
  while (bytes.size() >= 16) {
    const std::string length_bytes = bytes.substr(0, 8);
    const auto length = Take<uint64_t>(&bytes);
    EXPECT_EQ(Take<uint32_t>(&bytes), MaskedCrcByDefinition(length_bytes));
    EXPECT_LE(length + 4, bytes.size());
    const std::string data = bytes.substr(0, length);
    bytes.erase(0, length);
    EXPECT_EQ(Take<uint32_t>(&bytes), MaskedCrcByDefinition(data));
    EXPECT_TRUE(events.emplace_back().ParseFromString(data));
  }
  EXPECT_EQ(bytes, "");
  return events;
}

TEST(EventFile, StartsAsTensorFlowsOwnFilesDo) {
  const auto events = EventFile::Create(NewFolder("start"), 0);
  ASSERT_TRUE(events.ok()) << events.status();
  const std::string bytes = ReadFile((*events)->path()).value();
  // The same twelve bytes in every event file of TensorFlow: the length 24 and its checksum.
  EXPECT_EQ(bytes.substr(0, 12), std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12));
  const std::vector<Event> read = ReadEvents((*events)->path());
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].file_version(), "brain.Event:2");
  EXPECT_NEAR(read[0].wall_time(), static_cast<double>(std::time(nullptr)), 60);
}

TEST(EventFile, RestartNamesTheFirstIterationThatIsDoneAgain) {
  const auto events = EventFile::Create(NewFolder("restart"), 4000);
  ASSERT_TRUE(events.ok()) << events.status();
  const std::vector<Event> read = ReadEvents((*events)->path());
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].session_log().status(), tensorboard::SessionLog::START);
  EXPECT_EQ(read[1].step(), 4001);
}

TEST(EventFile, HoldsScalarsOfAnIterationInOneEvent) {
  const auto events = EventFile::Create(NewFolder("scalars"), 0);
  ASSERT_TRUE(events.ok()) << events.status();
  const double infinity = std::numeric_limits<double>::infinity();
  ASSERT_TRUE((*events)->AddScalars(50, {{"loss/total", 1.5}, {"\xc3\xa9 <&>", -infinity}}).ok());
  ASSERT_TRUE((*events)->AddScalars(int64_t{1} << 40, {{"loss/total", std::nan("")}}).ok());
  ASSERT_TRUE((*events)->Flush().ok());
  const std::vector<Event> read = ReadEvents((*events)->path());
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[2].step(), 50);
  ASSERT_EQ(read[2].summary().value_size(), 2);
  EXPECT_EQ(read[2].summary().value(0).tag(), "loss/total");
  EXPECT_EQ(read[2].summary().value(0).simple_value(), 1.5f);
  EXPECT_EQ(read[2].summary().value(1).tag(), "\xc3\xa9 <&>");
  EXPECT_EQ(read[2].summary().value(1).simple_value(), -infinity);
  EXPECT_EQ(read[3].step(), int64_t{1} << 40);
  EXPECT_TRUE(std::isnan(read[3].summary().value(0).simple_value()));
}

TEST(EventFile, FilesOfOneSecondAreApartAndInOrder) {
  const std::string folder = NewFolder("same_second");
  std::string last;
  for (int i = 0; i < 12; ++i) {
    const auto events = EventFile::Create(folder, i);
    ASSERT_TRUE(events.ok()) << events.status();
    EXPECT_GT((*events)->path(), last);
    last = (*events)->path();
    EXPECT_EQ(last.rfind(folder + "/events.out.tfevents.", 0), 0u) << last;
    EXPECT_NE(last.find(absl::StrCat(".", getpid())), std::string::npos) << last;
  }
}

TEST(EventFile, ErrorsNameTheFile) {
  const std::string file = testing::TempDir() + "/no_folder";
  ASSERT_TRUE(WriteFileAtomically(file, "x").ok());
  const auto events = EventFile::Create(file + "/run", 0);
  ASSERT_FALSE(events.ok());
  EXPECT_NE(events.status().message().find("no_folder/run"), std::string::npos) << events.status();
}

TEST(EventFile, AFullDiskIsReported) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const auto events = EventFile::Create(NewFolder("full"), 0);
  ASSERT_TRUE(events.ok()) << events.status();
  // The file's descriptor is turned to a disk that is full.
  int descriptor = -1;
  for (int i = 3; i < 64 && descriptor < 0; ++i) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", i), ignored) ==
        std::filesystem::weakly_canonical((*events)->path()))
      descriptor = i;
  }
  ASSERT_GE(descriptor, 0);
  std::FILE* const full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  ASSERT_EQ(dup2(fileno(full), descriptor), descriptor);
  std::fclose(full);
  absl::Status status = (*events)->AddScalars(1, {{"loss", 1}});
  if (status.ok()) status = (*events)->Flush();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find((*events)->path()), std::string::npos) << status;
}

}  // namespace
}  // namespace hardface::train
