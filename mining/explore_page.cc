#include "mining/explore_page.h"

#include <algorithm>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/chart.h"
#include "base/html_page.h"
#include "base/parallel.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/thumbnail.h"

namespace hardface::mining {
namespace {

constexpr int kSparklineWidth = 240, kSparklineHeight = 48;
constexpr size_t kSparklinePoints = 120;

// What the page needs of the dataset.
struct ListedImage {
  std::string path;
  std::vector<data::Face> faces;
};
struct DatasetExtract {
  std::map<size_t, ListedImage> listed;  // by index into the history
  int64_t entries = 0;
  int64_t known = 0;  // entries that the history has as well
};

// LISTED is sorted.
absl::StatusOr<DatasetExtract> ExtractDataset(const std::string& path, const LedgerHistory& history,
                                              const std::vector<size_t>& listed) {
  absl::flat_hash_map<std::pair<std::string, bool>, size_t> indices;
  for (size_t i = 0; i < history.entries.size(); ++i) {
    indices.emplace(std::make_pair(history.entries[i].image, history.entries[i].flip), i);
  }
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(path));
  DatasetExtract extract;
  data::DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return extract;
    ++extract.entries;
    const auto found = indices.find({entry.image, entry.flip});
    if (found == indices.end()) continue;
    ++extract.known;
    if (!std::binary_search(listed.begin(), listed.end(), found->second)) continue;
    extract.listed[found->second] = {reader->ImagePath(entry), entry.faces};
  }
}

// The image as the network saw it, small, with its faces: green, or grey where they are ignored.
absl::StatusOr<std::string> DrawThumbnail(const ListedImage& image, bool flip, int max_side) {
  ASSIGN_OR_RETURN(cv::Mat pixels, data::ReadImage(image.path));
  if (flip) cv::flip(pixels, pixels, /*flipCode=*/1);
  cv::Mat small = data::Thumbnail(pixels, max_side);
  const double scale_x = static_cast<double>(small.cols) / pixels.cols;
  const double scale_y = static_cast<double>(small.rows) / pixels.rows;
  for (const data::Face& face : image.faces) {
    const cv::Scalar color = face.ignore ? cv::Scalar(160, 160, 160) : cv::Scalar(0, 255, 0);
    const cv::Point from(cvRound(face.box.x * scale_x), cvRound(face.box.y * scale_y));
    const cv::Point to(cvRound((face.box.x + face.box.w) * scale_x) - 1,
                       cvRound((face.box.y + face.box.h) * scale_y) - 1);
    cv::rectangle(small, from, to, color, /*thickness=*/1);
  }
  return data::EncodeJpeg(small, /*quality=*/80);
}

// WPAS from 0 (bottom) to 1 over the ledger's iterations, the threshold dashed.
Html Sparkline(const EntryHistory& entry, const LedgerHistory& history, float threshold) {
  ChartPoints points;
  const double all_time = std::max<double>(1, static_cast<double>(history.last_iteration - history.first_iteration));
  for (const EntryHistory::Score& score : entry.scores) {
    points.emplace_back(static_cast<double>(score.iteration - history.first_iteration) / all_time, score.wpas);
  }
  const auto y = [](double wpas) { return 2 + (1 - wpas) * (kSparklineHeight - 4); };
  std::string line, dots;
  for (const auto& [time, wpas] : ThinOut(points, kSparklinePoints)) {
    const double x = 2 + time * (kSparklineWidth - 4);
    absl::StrAppendFormat(&line, "%.1f,%.1f ", x, y(wpas));
    absl::StrAppendFormat(&dots, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.5\"/>", x, y(wpas));
  }
  return {
      absl::StrFormat("<svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"WPAS over the iterations\">"
                      "<rect width=\"100%%\" height=\"100%%\" fill=\"#f4f4f4\"/>"
                      "<line x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#888\" stroke-dasharray=\"3\"/>"
                      "<polyline points=\"%s\" fill=\"none\" stroke=\"#9400d3\"/><g fill=\"#9400d3\">%s</g></svg>",
                      kSparklineWidth, kSparklineHeight, y(threshold), y(threshold), line, dots)};
}

class PageBuilder {
 public:
  PageBuilder(const LedgerHistory& history, const ExploreOptions& options) : history_(history), options_(options) {}

  absl::StatusOr<ExplorePage> Build();

 private:
  // The images that the page shows, each once.
  std::vector<size_t> Listed() const;
  void DrawThumbnails();
  void WarnOfStrangers();
  Html Overview() const;
  absl::StatusOr<Html> Charts() const;
  Html List(const char* heading, const std::string& explanation, const std::vector<size_t>& indices) const;
  Html Figure(size_t index) const;
  double TotalEntries() const;

  const LedgerHistory& history_;
  const ExploreOptions& options_;
  std::vector<size_t> hardest_, never_learnt_, unsteady_;
  std::optional<DatasetExtract> dataset_;
  std::map<size_t, Html> thumbnails_;
  ExplorePage page_;
};

std::vector<size_t> PageBuilder::Listed() const {
  std::vector<size_t> listed;
  for (const auto* list : {&hardest_, &never_learnt_, &unsteady_}) {
    const size_t count = std::min(list->size(), static_cast<size_t>(options_.images));
    listed.insert(listed.end(), list->begin(), list->begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::sort(listed.begin(), listed.end());
  listed.erase(std::unique(listed.begin(), listed.end()), listed.end());
  return listed;
}

void PageBuilder::DrawThumbnails() {
  std::vector<size_t> indices;
  for (const auto& [index, image] : dataset_->listed) indices.push_back(index);
  std::vector<absl::StatusOr<std::string>> pictures(indices.size(), absl::UnknownError(""));
  ParallelFor(static_cast<int64_t>(indices.size()), ResolveThreads(0), [&](int64_t i) {
    const size_t index = indices[static_cast<size_t>(i)];
    pictures[static_cast<size_t>(i)] =
        DrawThumbnail(dataset_->listed.at(index), history_.entries[index].flip, options_.thumbnail_side);
  });
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!pictures[i].ok()) {
      page_.warnings.emplace_back(pictures[i].status().message());
      thumbnails_[indices[i]] = HtmlElement("p", "the image cannot be read", "note");
      continue;
    }
    ++page_.pictures;
    thumbnails_[indices[i]] = HtmlPicture("image/jpeg", *pictures[i], history_.entries[indices[i]].image);
  }
}

void PageBuilder::WarnOfStrangers() {
  const auto strangers = static_cast<int64_t>(history_.entries.size()) - dataset_->known;
  if (strangers == 0) return;
  page_.warnings.push_back(absl::StrCat(options_.dataset, ": has not ", strangers, " of the ", history_.entries.size(),
                                        " entries of the ledger; was another dataset trained on?"));
}

double PageBuilder::TotalEntries() const {
  const auto visited = static_cast<double>(history_.entries.size());
  return dataset_.has_value() ? std::max(visited, static_cast<double>(dataset_->entries)) : visited;
}

Html PageBuilder::Overview() const {
  const auto share = [&](double count) {
    return absl::StrFormat("%.0f (%.1f %%)", count, 100 * count / TotalEntries());
  };
  const auto visited = static_cast<double>(history_.entries.size());
  std::vector<HtmlRow> rows = {
      HtmlTextRow({"iterations", absl::StrCat(history_.first_iteration, " to ", history_.last_iteration)}),
      HtmlTextRow({"visits", absl::StrCat(history_.visits)}),
      HtmlTextRow({"visits an image, mean", absl::StrFormat("%.1f", static_cast<double>(history_.visits) / visited)}),
      HtmlTextRow({"images (a mirror image counts by itself)", absl::StrFormat("%.0f", TotalEntries())}),
      HtmlTextRow({"easy from WPAS", absl::StrFormat("%.4g", options_.never_learnt.threshold)}),
      HtmlTextRow({"hard now", share(history_.hard.back().second)}),
      HtmlTextRow({"easy now", share(history_.easy.back().second)}),
      HtmlTextRow({"never with a positive anchor", share(history_.without_positives.back().second)})};
  if (visited < TotalEntries()) rows.push_back(HtmlTextRow({"not visited yet", share(TotalEntries() - visited)}));
  rows.push_back(HtmlTextRow({"never learnt (below)", share(static_cast<double>(never_learnt_.size()))}));
  return HtmlTable({}, rows);
}

absl::StatusOr<Html> PageBuilder::Charts() const {
  ChartOptions options;
  options.title = "share of the images";
  options.width = 600;
  options.height = 360;
  options.x_label = "iteration";
  options.y = {0, 1};
  options.key = "above";
  std::vector<ChartCurve> curves = {
      {"hard", history_.hard}, {"easy", history_.easy}, {"without positive anchors", history_.without_positives}};
  for (ChartCurve& curve : curves) {
    for (auto& [iteration, count] : curve.points) count /= TotalEntries();
  }
  ASSIGN_OR_RETURN(const std::string shares, DrawChart(curves, options));
  Html charts = HtmlFigure(HtmlPicture("image/svg+xml", shares, "shares of hard and easy images over the iterations"),
                           HtmlText("By each image's latest score. What is missing from 1 was not visited yet."));

  Histogram histogram(0, 1, 20);
  for (const EntryHistory& entry : history_.entries) {
    if (!entry.scores.empty()) histogram.Add(entry.scores.back().wpas);
  }
  if (histogram.total() == 0) return charts;
  options.title = "latest WPAS";
  options.x_label = "WPAS (low: hard)";
  options.y_label = "share of the images with a score";
  options.style = ChartStyle::kBars;
  options.x = {0, 1};
  options.y = {0, {}};
  options.key = "off";
  options.x_mark = options_.never_learnt.threshold;
  ASSIGN_OR_RETURN(const std::string bars, DrawChart({{"", histogram.Shares()}}, options));
  charts += HtmlFigure(HtmlPicture("image/svg+xml", bars, "histogram of the latest WPAS"), {});
  return charts;
}

Html PageBuilder::Figure(size_t index) const {
  const EntryHistory& entry = history_.entries[index];
  Html caption = HtmlElement("b", absl::StrFormat("%.3f", entry.RecentWpas()));
  caption += HtmlText(absl::StrFormat(
      " recent, %.3f best of the later half, %d turns; %d visits, %d with a score, from %d on", entry.LateBestWpas(),
      entry.Turns(options_.never_learnt.threshold), entry.visits, entry.scores.size(), entry.scores.front().iteration));
  caption += Html{"<br>"} + HtmlText(absl::StrCat(entry.image, entry.flip ? " (mirrored)" : ""));
  const auto thumbnail = thumbnails_.find(index);
  return HtmlFigure((thumbnail == thumbnails_.end() ? Html() : thumbnail->second) +
                        Sparkline(entry, history_, options_.never_learnt.threshold),
                    caption);
}

Html PageBuilder::List(const char* heading, const std::string& explanation, const std::vector<size_t>& indices) const {
  const size_t count = std::min(indices.size(), static_cast<size_t>(options_.images));
  Html figures;
  for (size_t i = 0; i < count; ++i) figures += Figure(indices[i]);
  return HtmlElement("h2", heading) + HtmlElement("p", explanation, "note") +
         (count == 0 ? HtmlElement("p", "None.") : HtmlElement("div", figures, "gallery thumbnails"));
}

absl::StatusOr<ExplorePage> PageBuilder::Build() {
  const float threshold = options_.never_learnt.threshold;
  hardest_ = HardestEntries(history_, static_cast<size_t>(options_.images));
  never_learnt_ = NeverLearntEntries(history_, options_.never_learnt);
  unsteady_ = UnsteadyEntries(history_, threshold, static_cast<size_t>(options_.images));
  page_.never_learnt = static_cast<int64_t>(never_learnt_.size());
  if (!options_.dataset.empty()) {
    ASSIGN_OR_RETURN(dataset_, ExtractDataset(options_.dataset, history_, Listed()));
    WarnOfStrangers();
    DrawThumbnails();
  }
  ASSIGN_OR_RETURN(const Html charts, Charts());
  Html body = HtmlElement("h1", options_.title) + HtmlWarnings(page_.warnings) + Overview();
  body += HtmlElement("h2", "Over the training") + HtmlElement("div", charts, "gallery charts");
  body +=
      List("Hardest now", "The lowest WPAS, as the mean of the last three visits that had positive anchors.", hardest_);
  body +=
      List("Never learnt",
           absl::StrFormat(
               "%d images with at least %d scores over at least %.0f %% of the iterations, none of which "
               "reached %.4g; the lowest best of the later half first. Look for wrong labels: faces marked that are "
               "none, boxes beside the faces.",
               never_learnt_.size(), options_.never_learnt.min_scores, 100 * options_.never_learnt.min_time_share,
               threshold),
           never_learnt_);
  body += List("Most unsteady", "The most turns from easy to hard and back.", unsteady_);
  body += HtmlElement("p", absl::StrCat("Made by hardface ", kVersion, ", mining/explore."), "note");
  page_.html = HtmlPage(options_.title, body);
  return std::move(page_);
}

}  // namespace

absl::StatusOr<ExplorePage> MakeExplorePage(const LedgerHistory& history, const ExploreOptions& options) {
  return PageBuilder(history, options).Build();
}

}  // namespace hardface::mining
