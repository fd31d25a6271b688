// Pictures drawn by gnuplot, which is run as a program (Debian: gnuplot-nox).
#ifndef HARDFACE_BASE_GNUPLOT_H_
#define HARDFACE_BASE_GNUPLOT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

// TEXT as a string of gnuplot's language: shown as it stands, nothing in it is run.
std::string GnuplotText(absl::string_view text);

// Whether a picture reaches to its end: </svg>, or PNG's chunk IEND.
absl::Status CheckPicture(absl::string_view bytes, absl::string_view extension);

// What PROGRAM draws to gnuplot's stdout, a whole picture; EXTENSION: ".svg" or ".png", as the program sets its
// terminal. NotFound when there is no gnuplot.
absl::StatusOr<std::string> RunGnuplot(const std::string& program, absl::string_view extension);

}  // namespace hardface

#endif  // HARDFACE_BASE_GNUPLOT_H_
