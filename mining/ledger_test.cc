// The ledger's rules and its file.
#include "mining/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::mining {
namespace {

using ::testing::HasSubstr;

std::string Path(const std::string& name) { return ::testing::TempDir() + "/ledger_test_" + name; }

Visit VisitWith(std::optional<float> wpas, int64_t iteration = 0) {
  Visit visit;
  visit.difficulty = {wpas, wpas.has_value() ? 3 : 0, iteration};
  return visit;
}

// The share of KeepInEpoch over many epochs.
double KeptShare(const LedgerEntry& entry, const HardImageOptions& options) {
  Random random(5);
  int kept = 0;
  for (int i = 0; i < 4000; ++i) kept += KeepInEpoch(entry, options, &random);
  return kept / 4000.0;
}

TEST(LedgerTest, LatestScoreDecidesSoImagesBecomeHardAgain) {
  const HardImageOptions options;
  LedgerEntry entry;
  EXPECT_FALSE(IsEasy(entry, options));  // never visited
  Record(VisitWith(0.9f), options, &entry);
  EXPECT_TRUE(IsEasy(entry, options));
  EXPECT_NEAR(KeptShare(entry, options), 0.3, 0.03);
  Record(VisitWith(0.2f), options, &entry);
  EXPECT_FALSE(IsEasy(entry, options));
  EXPECT_EQ(KeptShare(entry, options), 1);
  Record(VisitWith(std::nullopt), options, &entry);  // a crop beside the faces changes nothing
  EXPECT_EQ(entry.difficulty.wpas, 0.2f);
}

TEST(LedgerTest, MeanOfTheLatestVisitsDecidesWhereOneVisitSaysLittle) {
  HardImageOptions options;
  options.visits = 3;
  LedgerEntry entry;
  for (const float wpas : {0.1f, 0.95f, 0.9f}) Record(VisitWith(wpas), options, &entry);
  EXPECT_NEAR(*entry.difficulty.wpas, 0.65f, 1e-6f);
  EXPECT_FALSE(IsEasy(entry, options));
  Record(VisitWith(std::nullopt), options, &entry);  // not one of the three
  Record(VisitWith(0.85f), options, &entry);         // the first visit is forgotten
  EXPECT_NEAR(*entry.difficulty.wpas, 0.9f, 1e-6f);
  EXPECT_TRUE(IsEasy(entry, options));
  EXPECT_EQ(entry.recent.size(), 3u);
}

TEST(LedgerTest, PublishedBehaviourKeepsEasyImagesEasyAndCountsThoseWithoutPositivesAsEasy) {
  HardImageOptions options;
  options.once_easy_always_easy = true;
  options.without_positives = WithoutPositives::kEasy;
  LedgerEntry once_easy, without, hard;
  Record(VisitWith(0.9f), options, &once_easy);
  Record(VisitWith(0.1f), options, &once_easy);
  Record(VisitWith(std::nullopt), options, &without);
  Record(VisitWith(0.1f), options, &hard);
  EXPECT_TRUE(IsEasy(once_easy, options));
  EXPECT_TRUE(IsEasy(without, options));
  EXPECT_FALSE(IsEasy(hard, options));
  EXPECT_NEAR(KeptShare(once_easy, options), 0.3, 0.03);
}

TEST(LedgerTest, ImagesWithoutPositivesAreTheirOwnClass) {
  HardImageOptions options;
  LedgerEntry entry;
  Record(VisitWith(std::nullopt), options, &entry);
  EXPECT_FALSE(IsEasy(entry, options));
  EXPECT_EQ(KeptShare(entry, options), 1);
  options.without_positives = WithoutPositives::kEasy;
  EXPECT_NEAR(KeptShare(entry, options), 0.3, 0.03);
  options.without_positives = WithoutPositives::kLeaveOut;
  EXPECT_EQ(KeptShare(entry, options), 0);
  Record(VisitWith(0.1f), options, &entry);
  EXPECT_EQ(KeptShare(entry, options), 1);
}

TEST(LedgerReaderTest, RoundTripsAndStopsBeforeAHalfWrittenLine) {
  const std::string text = VisitToJson("a \"b\".jpg", true, 0.4375, {0.5f, 7, 12}) + "\n" +
                           VisitToJson("c.jpg", false, 2, {std::nullopt, 0, 13}) + "\n{\"image\":\"d.jp";
  ASSERT_TRUE(WriteFileAtomically(Path("ok"), text).ok());
  const auto reader = LedgerReader::Open(Path("ok"));
  ASSERT_TRUE(reader.ok()) << reader.status();
  LedgerLine line;
  ASSERT_TRUE(*(*reader)->Next(&line));
  EXPECT_EQ(line.image, "a \"b\".jpg");
  EXPECT_TRUE(line.flip);
  EXPECT_EQ(line.scale, 0.4375);
  EXPECT_EQ(line.difficulty.wpas, 0.5f);
  EXPECT_EQ(line.difficulty.iteration, 12);
  ASSERT_TRUE(*(*reader)->Next(&line));
  EXPECT_FALSE(line.difficulty.wpas.has_value());
  EXPECT_FALSE(*(*reader)->Next(&line));
}

TEST(LedgerReaderTest, ErrorsNameFileLineAndValue) {
  std::string text = VisitToJson("a", false, 1, {0.5f, 1, 1});
  text.replace(text.find("\"scale\":1"), 9, "\"scale\":-3");
  ASSERT_TRUE(WriteFileAtomically(Path("bad"), text + "\n").ok());
  LedgerLine line;
  const std::string message((*LedgerReader::Open(Path("bad")))->Next(&line).status().message());
  EXPECT_THAT(message, HasSubstr("bad:1"));
  EXPECT_THAT(message, HasSubstr("-3"));
  EXPECT_THAT(std::string(LedgerReader::Open(Path("none")).status().message()), HasSubstr("none: cannot read"));
}

}  // namespace
}  // namespace hardface::mining
