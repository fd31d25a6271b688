// Sharing images out, with detectors that are functions.
#include "infer/detection_workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <opencv2/core.hpp>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace hardface::infer {
namespace {

// An image that says which it is.
cv::Mat ImageOf(int64_t index) { return cv::Mat(1, 1, CV_32SC1, cv::Scalar(static_cast<double>(index))); }
int64_t IndexOf(const cv::Mat& image) { return image.at<int>(0, 0); }

// Every tenth cannot be read.
absl::StatusOr<cv::Mat> Load(int64_t index) {
  if (index % 10 == 7) return absl::DataLossError(absl::StrCat("image ", index));
  return ImageOf(index);
}

std::vector<data::Detection> BoxesOf(int64_t index) { return {{{0, 0, 1, 1}, static_cast<float>(index)}}; }

void Sleep(int64_t milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

void ExpectTheResultsOf(DetectionWorkers* workers, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const DetectedImage image = workers->Next();
    if (i % 10 == 7) {
      EXPECT_EQ(image.pixels.status().message(), absl::StrCat("image ", i));
      continue;
    }
    ASSERT_TRUE(image.pixels.ok() && image.boxes.ok()) << i;
    EXPECT_EQ(IndexOf(*image.pixels), i);
    ASSERT_EQ(image.boxes->size(), 1u);
    EXPECT_EQ((*image.boxes)[0].score, static_cast<float>(i));
  }
}

// What a detector saw.
struct Seen {
  std::set<int64_t> images;
  std::set<std::thread::id> threads;
  std::optional<int64_t> promised;  // by the last UPCOMING
};

// Asks for the upcoming image, and checks that it comes.
DetectFunction Detector(Seen* seen, int64_t milliseconds) {
  return [seen, milliseconds](const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
    const int64_t index = IndexOf(image);
    EXPECT_TRUE(!seen->promised.has_value() || *seen->promised == index) << *seen->promised << " and " << index;
    seen->images.insert(index);
    seen->threads.insert(std::this_thread::get_id());
    const cv::Mat next = upcoming();
    seen->promised.reset();
    if (!next.empty()) seen->promised = IndexOf(next);
    Sleep(milliseconds);
    return BoxesOf(index);
  };
}

TEST(DetectionWorkersTest, ResultsComeInTheImagesOrderWhoeverMadeThem) {
  for (const size_t detectors : {1, 2, 5}) {
    std::vector<Seen> seen(detectors);
    std::vector<DetectFunction> functions;
    // Each detector waits with its first image for all others, since on a busy machine some threads start after the
    // work is done.
    std::atomic<size_t> begun = 0;
    for (size_t i = 0; i < detectors; ++i) {
      functions.push_back([&begun, &seen, i, detectors, detect = Detector(&seen[i], static_cast<int64_t>(i))](
                              const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
        if (seen[i].images.empty()) {
          ++begun;
          for (int waited = 0; begun < detectors && waited < 10000; ++waited) Sleep(1);
        }
        return detect(image, upcoming);
      });
    }
    constexpr int64_t kCount = 100;
    {
      DetectionWorkers workers(functions, kCount, /*loaders=*/2, /*ahead=*/1, Load);
      ExpectTheResultsOf(&workers, kCount);
    }
    std::set<int64_t> all;
    size_t sum = 0;
    for (const Seen& one : seen) {
      all.insert(one.images.begin(), one.images.end());
      sum += one.images.size();
      EXPECT_LE(one.threads.size(), 1u) << "a detector belongs to one thread";
      EXPECT_GT(one.images.size(), 0u);
    }
    EXPECT_EQ(all.size(), 90u);
    EXPECT_EQ(sum, 90u) << "no image twice";
  }
}

TEST(DetectionWorkersTest, OneDetectorWorksOnTheCallersThread) {
  Seen seen;
  DetectionWorkers workers({Detector(&seen, 0)}, 3, /*loaders=*/3, /*ahead=*/4, Load);
  ExpectTheResultsOf(&workers, 3);
  EXPECT_EQ(seen.threads, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST(DetectionWorkersTest, ASlowImageHoldsUpOthersOnlyAtTheLimit) {
  std::atomic<int64_t> done{0};
  std::atomic<bool> released{false};
  const DetectFunction detect = [&](const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
    while (IndexOf(image) == 0 && !released) Sleep(1);
    upcoming();  // must not wait for what the oldest image holds up
    ++done;
    return BoxesOf(IndexOf(image));
  };
  DetectionWorkers workers({detect, detect}, 1000, /*loaders=*/1, /*ahead=*/1, [](int64_t i) { return ImageOf(i); });
  for (int tries = 0; tries < 10000 && done < 15; ++tries) Sleep(1);
  EXPECT_EQ(done, 15);
  Sleep(20);
  EXPECT_LE(done, 16) << "results must not pile up without end";
  released = true;
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ((*workers.Next().boxes)[0].score, static_cast<float>(i));
}

TEST(DetectionWorkersTest, AnErrorComesInItsTurnAndTheRestIsLeft) {
  std::atomic<int64_t> begun{0};
  const DetectFunction detect = [&](const cv::Mat& image,
                                    const std::function<cv::Mat()>&) -> absl::StatusOr<std::vector<data::Detection>> {
    ++begun;
    if (IndexOf(image) == 2) return absl::ResourceExhaustedError("too large");
    Sleep(2);
    return BoxesOf(IndexOf(image));
  };
  {
    DetectionWorkers workers({detect, detect}, 100000, /*loaders=*/1, /*ahead=*/1, Load);
    EXPECT_TRUE(workers.Next().boxes.ok());
    EXPECT_TRUE(workers.Next().boxes.ok());
    EXPECT_EQ(workers.Next().boxes.status().message(), "too large");
  }
  EXPECT_LT(begun, 100);
}

TEST(DetectionWorkersTest, ExceptionsReachTheCallerInTheirTurn) {
  for (const bool loading : {false, true}) {
    for (const size_t detectors : {1, 3}) {
      const auto detect = [loading](const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
        upcoming();
        if (!loading && IndexOf(image) == 4) throw std::bad_alloc();
        return BoxesOf(IndexOf(image));
      };
      const auto load = [loading](int64_t i) {
        if (loading && i == 4) throw std::bad_alloc();
        return ImageOf(i);
      };
      DetectionWorkers workers(std::vector<DetectFunction>(detectors, detect), 9, /*loaders=*/1, /*ahead=*/2, load);
      for (int i = 0; i < 4; ++i) EXPECT_TRUE(workers.Next().boxes.ok());
      EXPECT_THROW(workers.Next(), std::bad_alloc);
      EXPECT_TRUE(workers.Next().boxes.ok());
    }
  }
}

TEST(DetectionWorkersTest, NoImagesAreNoWork) {
  Seen seen[2];
  DetectionWorkers workers({Detector(&seen[0], 0), Detector(&seen[1], 0)}, 0, /*loaders=*/1, /*ahead=*/1, Load);
}

}  // namespace
}  // namespace hardface::infer
