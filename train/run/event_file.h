// TensorBoard event files: the curves of a training, to be watched while it runs (`tensorboard --logdir=RUN`).
#ifndef HARDFACE_TRAIN_RUN_EVENT_FILE_H_
#define HARDFACE_TRAIN_RUN_EVENT_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::train {

// One event file, written from front to end: records of TFRecord framing (length and data, each with its masked
// CRC-32C) that hold Event messages. Not thread-safe. Example:
//   ASSIGN_OR_RETURN(auto events, EventFile::Create(run_folder, /*start_iteration=*/0));
//   RETURN_IF_ERROR(events->AddScalars(50, {{"loss/total", 1.6}, {"learning_rate", 0.001}}));
//   RETURN_IF_ERROR(events->Flush());
class EventFile {
 public:
  // Makes FOLDER/events.out.tfevents.TIME.HOST.PID, a new file at every start, and the folder where there is none.
  // START_ITERATION: iterations done so far, 0 or those of the checkpoint that training goes on from. TensorBoard drops
  // what the folder's earlier files say of later iterations: an interrupted training did them, but they are done again.
  static absl::StatusOr<std::unique_ptr<EventFile>> Create(const std::string& folder, int64_t start_iteration);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // One point of each named curve; TensorBoard groups curves by what stands before a "/". Values are kept as 32-bit
  // floats; nan and infinities are allowed, TensorBoard marks them. Buffered.
  absl::Status AddScalars(int64_t iteration, const std::vector<std::pair<std::string, double>>& scalars);
  // Hands everything to the system, so that TensorBoard sees it. To be called last, too: the destructor cannot report a
  // full disk.
  absl::Status Flush();

  const std::string& path() const { return path_; }

 private:
  EventFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  absl::Status AddRecord(absl::string_view data);

  const std::string path_;
  std::FILE* const file_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_EVENT_FILE_H_
