// Sine, cosine and powers from the operations that IEEE 754 fixes to the last bit (+ - * / sqrt): the C library's own
// differ between machines, and drawings must not.
#ifndef HARDFACE_DATA_TOOLS_SYNTH_PORTABLE_MATH_H_
#define HARDFACE_DATA_TOOLS_SYNTH_PORTABLE_MATH_H_

#include <cmath>

namespace hardface::data {

inline constexpr double kPi = 3.14159265358979323846;

// Within 1e-10 for |angle| < 1e4 radians.
inline double PortableSin(double angle) {
  double x = angle - 2 * kPi * std::floor(angle / (2 * kPi) + 0.5);  // [-pi, pi]
  if (x > kPi / 2) x = kPi - x;
  if (x < -kPi / 2) x = -kPi - x;
  const double square = x * x;
  double term = x, sum = x;
  for (int n = 3; n <= 17; n += 2) {
    term *= -square / (n * (n - 1));
    sum += term;
  }
  return sum;
}

inline double PortableCos(double angle) { return PortableSin(angle + kPi / 2); }

// base^exponent for base > 0 and exponent in [0, 1], to about 1e-9: square roots by the binary digits of the exponent.
inline double PortablePow(double base, double exponent) {
  double result = 1, root = base;
  for (int digit = 0; digit < 32; ++digit) {
    root = std::sqrt(root);
    exponent *= 2;
    if (exponent < 1) continue;
    result *= root;
    exponent -= 1;
  }
  return result;
}

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_SYNTH_PORTABLE_MATH_H_
