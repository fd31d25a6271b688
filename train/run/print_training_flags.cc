// Prints docs/TRAINING_FLAGS.md.
#include <cstdio>

#include "train/run/training_flags.h"

int main() { std::fputs(hardface::train::TrainingFlagsPage().c_str(), stdout); }
