// Maximum-weight one-to-one assignment between faces and detections, with detections arriving one after another.
#ifndef HARDFACE_EVAL_COMMON_ASSIGNMENT_H_
#define HARDFACE_EVAL_COMMON_ASSIGNMENT_H_

#include <vector>

namespace hardface::eval {

// After each Add() the assignment has the greatest total weight over all detections added so far. A detection comes
// with one augmenting path, found by Bellman and Ford's method in O(faces^2) steps for each face that it moves: no
// solving anew. (Adding a vertex to a bipartite graph changes a maximum-weight matching along one path from that
// vertex.) Example: Assignment a(2); a.Add({0.9, 0.6}); a.Add({0.8, 0}); then face 1 has detection 0 and face 0
// detection 1.
class Assignment {
 public:
  explicit Assignment(int faces) : partner_(faces, -1) {}

  // WEIGHTS: of the pairs with each face, >= 0; 0: cannot be paired. The detection's number is how many came before.
  void Add(std::vector<double> weights);

  // Of each face, its detection's number or -1.
  const std::vector<int>& partners() const { return partner_; }
  // The weight of face FACE's pair; 0 without one.
  double PairWeight(int face) const { return partner_[face] < 0 ? 0 : weights_[partner_[face]][face]; }

 private:
  std::vector<std::vector<double>> weights_;  // [detection][face]
  std::vector<int> partner_;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_ASSIGNMENT_H_
