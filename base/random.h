// Random numbers that are the same on every machine and compiler: xoshiro256++ (Blackman and Vigna, 2019) seeded by
// SplitMix64. The standard library's distributions differ between implementations, so none is used.
#ifndef HARDFACE_BASE_RANDOM_H_
#define HARDFACE_BASE_RANDOM_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace hardface {

// FNV-1a of a text, to seed by name: std::hash may differ between machines.
inline uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

// Not thread-safe; give each task its own, seeded by what the task is: Random({seed, epoch, index}).
class Random {
 public:
  using State = std::array<uint64_t, 4>;

  explicit Random(uint64_t seed) : Random({seed}) {}

  // The stream that belongs to this tuple of numbers; tuples that differ anywhere give unrelated streams.
  Random(std::initializer_list<uint64_t> key) {
    uint64_t mixed = 0;
    for (uint64_t part : key) mixed = SplitMix(mixed ^ part);
    for (uint64_t& word : state_) word = mixed = SplitMix(mixed);
  }

  uint64_t Next() {
    const uint64_t result = RotateLeft(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = RotateLeft(state_[3], 45);
    return result;
  }

  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // Uniform in [low, high).
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  // Uniform in [0, count); count > 0. The bias of the multiply-shift is below count / 2^64.
  uint64_t Index(uint64_t count) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * count) >> 64);
  }
  // Uniform in [low, high], both included.
  int Integer(int low, int high) { return low + static_cast<int>(Index(static_cast<uint64_t>(high - low) + 1)); }
  bool Chance(double probability) { return Uniform() < probability; }
  // Standard normal, by Box and Muller.
  double Gaussian() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }

  // Fisher-Yates shuffle of a random-access container.
  template <typename Container>
  void Shuffle(Container& items) {
    for (size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[Index(left)]);
  }

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  static uint64_t RotateLeft(uint64_t value, int bits) { return (value << bits) | (value >> (64 - bits)); }
  static uint64_t SplitMix(uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  State state_;
};

}  // namespace hardface

#endif  // HARDFACE_BASE_RANDOM_H_
