// Small .mat files for tests, written by libmatio.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_MAT_TEST_UTIL_H_
#define HARDFACE_DATA_TOOLS_FORMATS_MAT_TEST_UTIL_H_

#include <matio.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hardface::data {

// Each returns a new array; NAME null within cells. Matrices are given row by row.
matvar_t* NewDoubles(const char* name, const std::vector<std::vector<double>>& rows, size_t columns);
matvar_t* NewInt32s(const char* name, const std::vector<std::vector<int32_t>>& rows, size_t columns);
matvar_t* NewText(const char* name, const std::string& text);
// A column of cells, which are taken over.
matvar_t* NewCells(const char* name, const std::vector<matvar_t*>& cells);

// Writes the variables, uncompressed, and frees them. Returns PATH.
std::string WriteMat(const std::string& path, const std::vector<matvar_t*>& variables);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_MAT_TEST_UTIL_H_
