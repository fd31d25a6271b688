#include "train/run/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/fresh_folder.h"
#include "base/read_file.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

data::Dataset TwoEntries() {
  data::Dataset dataset;
  dataset.entries.resize(2);
  dataset.entries[0].image = "a.jpg";
  dataset.entries[1].image = "b.jpg";
  dataset.entries[1].flip = true;
  return dataset;
}

// The only event file of FOLDER.
std::string EventBytes(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().find("tfevents") != std::string::npos) return *ReadFile(entry.path().string());
  }
  return "";
}

TEST(RunLog, WritesMetricsMessagesVisitsAndEvents) {
  const std::string folder = FreshFolder("writes");
  const auto log = RunLog::Open(folder, 0, 0, 0);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->AddMessage(0, "started anew").ok());
  ASSERT_TRUE(
      (*log)->AddMetrics({{"iteration", 10}, {"loss", 0.5}, {"classification", 0.25}, {"validation_ap", 1}}).ok());
  ASSERT_TRUE((*log)->AddVisits(TwoEntries(), {{0, 1, 0.5, {0.25f, 3, 7}}, {1, 0, 1, {}}}).ok());
  ASSERT_TRUE((*log)->Sync().ok());
  const std::string metrics = *ReadFile(folder + "/metrics.jsonl"), ledger = *ReadFile(folder + "/ledger.jsonl");
  EXPECT_EQ(metrics, "{\"iteration\":10,\"loss\":0.5,\"classification\":0.25,\"validation_ap\":1}\n");
  EXPECT_EQ(ledger,
            "{\"image\":\"b.jpg\",\"flip\":true,\"wpas\":0.25,\"positives\":3,\"iteration\":7,\"scale\":0.5}\n"
            "{\"image\":\"a.jpg\",\"flip\":false,\"wpas\":null,\"positives\":0,\"iteration\":0,\"scale\":1}\n");
  EXPECT_EQ(*ReadFile(folder + "/messages.txt"), "iteration 0: started anew\n");
  EXPECT_EQ((*log)->metrics_bytes(), static_cast<int64_t>(metrics.size()));
  EXPECT_EQ((*log)->ledger_bytes(), static_cast<int64_t>(ledger.size()));
  for (const char* name : {"loss/total", "loss/classification", "validation/ap"}) {
    EXPECT_THAT(EventBytes(folder), HasSubstr(name));
  }
}

TEST(RunLog, GoesOnWhereACheckpointLeftTheFiles) {
  const std::string folder = FreshFolder("goes_on");
  int64_t metrics_bytes = 0, ledger_bytes = 0;
  {
    const auto log = RunLog::Open(folder, 0, 0, 0);
    ASSERT_TRUE((*log)->AddMetrics({{"iteration", 10}, {"loss", 1}}).ok());
    ASSERT_TRUE((*log)->AddVisits(TwoEntries(), {{0, 0, 1, {}}}).ok());
    metrics_bytes = (*log)->metrics_bytes();
    ledger_bytes = (*log)->ledger_bytes();
    ASSERT_TRUE((*log)->AddMetrics({{"iteration", 20}, {"loss", 2}}).ok());
    ASSERT_TRUE((*log)->AddMessage(0, "one").ok());
    ASSERT_TRUE((*log)->AddVisits(TwoEntries(), {{1, 1, 1, {}}}).ok());
  }
  const auto log = RunLog::Open(folder, 10, metrics_bytes, ledger_bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->AddMetrics({{"iteration", 20}, {"loss", 3}}).ok());
  ASSERT_TRUE((*log)->AddMessage(10, "two").ok());
  EXPECT_EQ(*ReadFile(folder + "/messages.txt"), "iteration 0: one\niteration 10: two\n");
  EXPECT_EQ(*ReadFile(folder + "/metrics.jsonl"), "{\"iteration\":10,\"loss\":1}\n{\"iteration\":20,\"loss\":3}\n");
  EXPECT_EQ(ReadFile(folder + "/ledger.jsonl")->find("b.jpg"), std::string::npos);
}

}  // namespace
}  // namespace hardface::train
