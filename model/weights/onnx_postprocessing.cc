#include "model/weights/onnx_postprocessing.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "data_tools/dataset/box.h"
#include "model/weights/onnx_graph.h"

namespace hardface::model {
namespace {

// Writes nodes whose names all begin alike, and so do not meet the layers'.
class Writer {
 public:
  explicit Writer(onnx::GraphProto* graph) : graph_(graph) {}

  // A node of the next free name, which is returned.
  std::string Node(const std::string& type, const std::vector<std::string>& inputs) {
    return AddNode(type, inputs, NextName(), graph_)->output(0);
  }
  std::string NodeWithInt(const std::string& type, const std::vector<std::string>& inputs, const std::string& attribute,
                          int64_t value) {
    onnx::NodeProto* const node = AddNode(type, inputs, NextName(), graph_);
    AddInt(attribute, value, node);
    return node->output(0);
  }
  std::string Transpose(const std::string& input, const std::vector<int64_t>& order) {
    onnx::NodeProto* const node = AddNode("Transpose", {input}, NextName(), graph_);
    AddInts("perm", order, node);
    return node->output(0);
  }
  std::string Number(float value) { return Floats({}, {value}); }
  std::string Floats(const std::vector<int>& dims, const std::vector<float>& values) {
    const std::string name = NextName();
    AddTensor(name, dims, values, graph_);
    return name;
  }
  std::string Integer(int64_t value) { return Integers({}, {value}); }
  std::string Integers(const std::vector<int>& dims, const std::vector<int64_t>& values) {
    const std::string name = NextName();
    AddInt64Tensor(name, dims, values, graph_);
    return name;
  }
  std::string Reshape(const std::string& input, const std::vector<int64_t>& shape) {
    return Node("Reshape", {input, Integers({static_cast<int>(shape.size())}, shape)});
  }
  // INPUT's part [FROM, TO) of a dimension.
  std::string Slice(const std::string& input, int64_t axis, int64_t from, int64_t to) {
    return Node("Slice", {input, Integers({1}, {from}), Integers({1}, {to}), Integers({1}, {axis})});
  }
  // How long a dimension of INPUT is, an integer.
  std::string Length(const std::string& input, int64_t axis) {
    return NodeWithInt("Gather", {Node("Shape", {input}), Integer(axis)}, "axis", 0);
  }
  std::string ToFloat(const std::string& input) { return NodeWithInt("Cast", {input}, "to", kOnnxFloat); }
  std::string Add(const std::string& a, const std::string& b) { return Node("Add", {a, b}); }
  std::string Sub(const std::string& a, const std::string& b) { return Node("Sub", {a, b}); }
  std::string Mul(const std::string& a, const std::string& b) { return Node("Mul", {a, b}); }

 private:
  std::string NextName() { return absl::StrCat("post_", ++count_); }

  onnx::GraphProto* const graph_;
  int count_ = 0;
};

// A head's boxes (N, anchors, [y1, x1, y2, x2]) and scores (N, 1, anchors), anchor sizes in order, then rows.
struct Candidates {
  std::string boxes, scores;
};

// STRIDE * (0, 1, ... LENGTH - 1) + 8: where the anchors' centres lie, as DecodeBox takes them (their corners' mean is
// 7.5, and half a pixel is added to make a width of it).
std::string Centres(int stride, const std::string& length, Writer* out) {
  const std::string steps = out->ToFloat(out->Node("Range", {out->Integer(0), length, out->Integer(1)}));
  return out->Add(out->Mul(steps, out->Number(static_cast<float>(stride))), out->Number(8));
}

// The box coding's inverse (anchors.h) along one axis: both ends, clipped to [0, LAST].
void Decode(const std::string& move, const std::string& growth, const std::string& sizes, const std::string& centres,
            const std::string& last, Writer* out, std::string* low, std::string* high) {
  const std::string centre = out->Add(out->Mul(move, sizes), centres);
  const std::string capped = out->Node("Min", {growth, out->Number(10)});
  const std::string half = out->Mul(out->Mul(out->Node("Exp", {capped}), sizes), out->Number(0.5f));
  const auto clip = [&](const std::string& value) {
    return out->Node("Min", {out->Node("Max", {value, out->Number(0)}), last});
  };
  *low = clip(out->Sub(centre, half));
  *high = clip(out->Add(centre, half));
}

Candidates DecodeHead(const DetectionHead& head, const std::string& right, const std::string& bottom, Writer* out) {
  const auto anchors = static_cast<int>(head.anchor_sizes.size());
  const std::string rows = Centres(head.stride, out->Length(head.scores, 2), out);
  const std::string columns = Centres(head.stride, out->Length(head.scores, 3), out);
  // Of every cell, row by row.
  const std::string zero = out->Number(0);
  const std::string row_major_y = out->Add(out->Reshape(rows, {-1, 1}), out->Mul(columns, zero));
  const std::string row_major_x = out->Add(out->Mul(out->Reshape(rows, {-1, 1}), zero), columns);
  const std::string centre_y = out->Reshape(row_major_y, {-1}), centre_x = out->Reshape(row_major_x, {-1});

  std::vector<float> lengths;
  for (const int size : head.anchor_sizes) lengths.push_back(static_cast<float>(size));
  const std::string sizes = out->Floats({1, anchors, 1, 1}, lengths);
  const std::string deltas = out->Reshape(head.boxes, {0, anchors, 4, -1});
  const auto delta = [&](int64_t k) { return out->Slice(deltas, 2, k, k + 1); };
  std::string x1, x2, y1, y2;
  Decode(delta(0), delta(2), sizes, centre_x, right, out, &x1, &x2);
  Decode(delta(1), delta(3), sizes, centre_y, bottom, out, &y1, &y2);
  const std::string corners = out->NodeWithInt("Concat", {y1, x1, y2, x2}, "axis", 2);

  const std::string background = out->Slice(head.scores, 1, 0, anchors);
  const std::string face = out->Slice(head.scores, 1, anchors, 2 * int64_t{anchors});
  // The softmax of two.
  const std::string probability = out->Node("Sigmoid", {out->Sub(face, background)});
  return {out->Reshape(out->Transpose(corners, {0, 1, 3, 2}), {0, -1, 4}), out->Reshape(probability, {0, 1, -1})};
}

}  // namespace

void AddPostprocessing(const DetectorSpec& detector, const OnnxPostprocessing& options, onnx::GraphProto* graph) {
  Writer out(graph);
  const std::string& image = detector.network.layers[0].name;
  const std::string one = out.Number(1);
  const std::string bottom = out.Sub(out.ToFloat(out.Length(image, 2)), one);
  const std::string right = out.Sub(out.ToFloat(out.Length(image, 3)), one);
  std::vector<std::string> boxes_of_heads, scores_of_heads;
  for (const DetectionHead& head : detector.heads) {
    const Candidates candidates = DecodeHead(head, right, bottom, &out);
    boxes_of_heads.push_back(candidates.boxes);
    scores_of_heads.push_back(candidates.scores);
  }
  const std::string boxes = out.NodeWithInt("Concat", boxes_of_heads, "axis", 1);
  const std::string scores = out.NodeWithInt("Concat", scores_of_heads, "axis", 2);

  AddInt64Tensor("max_faces", {}, {options.max_faces}, graph);
  AddTensor("nms_threshold", {}, {options.nms_threshold}, graph);
  AddTensor("score_threshold", {}, {options.score_threshold}, graph);
  // Our IoU counts both corners' pixels (box.h); ONNX's does not.
  const std::string with_corners = out.Add(boxes, out.Floats({4}, {0, 0, 1, 1}));
  const std::string kept =
      out.Node("NonMaxSuppression", {with_corners, scores, "max_faces", "nms_threshold", "score_threshold"});

  // Of each: [image, class, box].
  const std::string batch = out.Slice(kept, 1, 0, 1), box = out.Slice(kept, 1, 2, 3);
  const std::string place = out.NodeWithInt("Concat", {batch, box}, "axis", 1);
  const std::string corners = out.Node("GatherND", {boxes, place});
  const std::string score = out.Reshape(out.Node("GatherND", {scores, kept}), {-1, 1});
  const std::string low = out.Slice(corners, 1, 0, 2), high = out.Slice(corners, 1, 2, 4);
  const std::string y = out.Slice(low, 1, 0, 1), x = out.Slice(low, 1, 1, 2);
  const std::string extent = out.Sub(high, low);
  const std::string height = out.Slice(extent, 1, 0, 1), width = out.Slice(extent, 1, 1, 2);
  const std::string rows = out.NodeWithInt("Concat", {out.ToFloat(batch), x, y, width, height, score}, "axis", 1);
  // What lies beside the input has no area once it is clipped (box.h).
  const std::string least = out.Number(data::kLeastExtent);
  const std::string without_area =
      out.Node("Or", {out.Node("Less", {width, least}), out.Node("Less", {height, least})});
  const std::string has_area = out.Reshape(out.Node("Not", {without_area}), {-1});
  AddInt("axis", 0, AddNode("Compress", {rows, has_area}, kOnnxFaces, graph));
}

}  // namespace hardface::model
