#include "data_tools/formats/mat_test_util.h"

#include "base/check.h"

namespace hardface::data {
namespace {

template <typename T>
matvar_t* NewNumbers(const char* name, matio_classes class_type, matio_types type,
                     const std::vector<std::vector<T>>& rows, size_t columns) {
  size_t dimensions[2] = {rows.size(), columns};
  std::vector<T> by_column;
  for (size_t column = 0; column < columns; ++column) {
    for (const std::vector<T>& row : rows) by_column.push_back(row[column]);
  }
  return Mat_VarCreate(name, class_type, type, 2, dimensions, by_column.data(), 0);
}

}  // namespace

matvar_t* NewDoubles(const char* name, const std::vector<std::vector<double>>& rows, size_t columns) {
  return NewNumbers(name, MAT_C_DOUBLE, MAT_T_DOUBLE, rows, columns);
}

matvar_t* NewInt32s(const char* name, const std::vector<std::vector<int32_t>>& rows, size_t columns) {
  return NewNumbers(name, MAT_C_INT32, MAT_T_INT32, rows, columns);
}

matvar_t* NewText(const char* name, const std::string& text) {
  size_t dimensions[2] = {1, text.size()};
  return Mat_VarCreate(name, MAT_C_CHAR, MAT_T_UINT8, 2, dimensions, const_cast<char*>(text.data()), 0);
}

matvar_t* NewCells(const char* name, const std::vector<matvar_t*>& cells) {
  size_t dimensions[2] = {cells.size(), 1};
  matvar_t* variable = Mat_VarCreate(name, MAT_C_CELL, MAT_T_CELL, 2, dimensions, nullptr, 0);
  for (size_t i = 0; i < cells.size(); ++i) Mat_VarSetCell(variable, static_cast<int>(i), cells[i]);
  return variable;
}

std::string WriteMat(const std::string& path, const std::vector<matvar_t*>& variables) {
  // Its own header names the day, and equal inputs are to give equal files.
  mat_t* mat = Mat_CreateVer(path.c_str(), "MATLAB 5.0 MAT-file, made up for tests", MAT_FT_MAT5);
  HARDFACE_CHECK(mat != nullptr);
  for (matvar_t* variable : variables) {
    HARDFACE_CHECK(Mat_VarWrite(mat, variable, MAT_COMPRESSION_NONE) == 0);
    Mat_VarFree(variable);
  }
  Mat_Close(mat);
  return path;
}

}  // namespace hardface::data
