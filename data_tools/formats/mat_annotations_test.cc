#include "data_tools/formats/mat_annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <matio.h>

#include <array>
#include <string>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

matvar_t* Numbers(const char* name, size_t rows, size_t columns, std::vector<double> data) {
  size_t dimensions[2] = {rows, columns};
  return Mat_VarCreate(name, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dimensions, data.data(), 0);
}

matvar_t* Text(const char* name, std::string text) {
  size_t dimensions[2] = {1, text.size()};
  return Mat_VarCreate(name, MAT_C_CHAR, MAT_T_UINT8, 2, dimensions, text.data(), 0);
}

matvar_t* Cells(const char* name, const std::vector<matvar_t*>& content) {
  size_t dimensions[2] = {content.size(), 1};
  matvar_t* cells = Mat_VarCreate(name, MAT_C_CELL, MAT_T_CELL, 2, dimensions, nullptr, 0);
  for (size_t i = 0; i < content.size(); ++i) Mat_VarSetCell(cells, static_cast<int>(i), content[i]);
  return cells;
}

std::string WriteMat(const std::string& file, const std::vector<matvar_t*>& variables) {
  const std::string path = ::testing::TempDir() + "/" + file;
  mat_t* mat = Mat_CreateVer(path.c_str(), nullptr, MAT_FT_MAT5);
  for (matvar_t* variable : variables) {
    EXPECT_EQ(Mat_VarWrite(mat, variable, MAT_COMPRESSION_NONE), 0);
    Mat_VarFree(variable);
  }
  Mat_Close(mat);
  return path;
}

std::vector<AnnotatedImage> ReadAll(const absl::StatusOr<std::unique_ptr<AnnotationSource>>& source) {
  EXPECT_TRUE(source.ok()) << source.status();
  std::vector<AnnotatedImage> images;
  AnnotatedImage image;
  while (source.ok() && *(*source)->Next(&image)) images.push_back(image);
  return images;
}

TEST(OpenWiderMatTest, ReadsEventsFilesBoxesAndLabels) {
  // Two events; the first has an image with two faces and one with the placeholder box.
  const std::string path = WriteMat(
      "wider.mat",
      {Cells("event_list", {Text(nullptr, "0--Parade"), Text(nullptr, "1--Party")}),
       Cells("file_list",
             {Cells(nullptr, {Text(nullptr, "a"), Text(nullptr, "b")}), Cells(nullptr, {Text(nullptr, "c")})}),
       Cells("face_bbx_list", {Cells(nullptr, {Numbers(nullptr, 2, 4, {1, 5, 2, 6, 3, 7, 4, -8}),  // column by column
                                               Numbers(nullptr, 1, 4, {0, 0, 0, 0})}),
                               Cells(nullptr, {Numbers(nullptr, 1, 4, {10, 20, 30, 40})})}),
       Cells("invalid_label_list", {Cells(nullptr, {Numbers(nullptr, 2, 1, {0, 1}), Numbers(nullptr, 1, 1, {0})}),
                                    Cells(nullptr, {Numbers(nullptr, 1, 1, {0})})}),
       Cells("blur_label_list", {Cells(nullptr, {Numbers(nullptr, 2, 1, {2, 1}), Numbers(nullptr, 1, 1, {0})}),
                                 Cells(nullptr, {Numbers(nullptr, 1, 1, {1})})})});
  const auto images = ReadAll(OpenWiderMat(path));
  ASSERT_THAT(images, SizeIs(3));
  EXPECT_THAT(images[0].candidates, ElementsAre("0--Parade/a.jpg"));
  EXPECT_EQ(images[0].attributes["event"], "0--Parade");
  ASSERT_THAT(images[0].faces, SizeIs(2));
  const AnnotatedFace& face = images[0].faces[1];
  EXPECT_THAT((std::vector<double>{face.x, face.y, face.w, face.h}), ElementsAre(5, 6, 7, -8));
  EXPECT_TRUE(face.ignore);
  EXPECT_FALSE(images[0].faces[0].ignore);
  EXPECT_EQ(images[0].faces[0].attributes.dump(), R"({"blur":2,"invalid":0})");
  EXPECT_THAT(images[1].faces, IsEmpty());
  EXPECT_EQ(images[1].placeholder_boxes, 1);
  EXPECT_THAT(images[2].candidates, ElementsAre("1--Party/c.jpg"));
}

TEST(OpenWiderMatTest, OtherFilesAreRefused) {
  const std::string path = WriteMat("other.mat", {Numbers("x", 1, 1, {1})});
  EXPECT_THAT(std::string(OpenWiderMat(path).status().message()), HasSubstr("wider_face_train.mat"));
  EXPECT_THAT(std::string(OpenFaceEvalMat(path).status().message()), HasSubstr("no struct array Annotations"));
  ASSERT_TRUE(WriteFileAtomically(path, "text").ok());
  EXPECT_FALSE(OpenWiderMat(path).ok());
  EXPECT_EQ(OpenWiderMat(path + ".none").status().code(), absl::StatusCode::kNotFound);
}

TEST(OpenFaceEvalMatTest, ReadsCornersPoseAndIgnore) {
  const char* fields[] = {"imgname", "imgsize", "objects"};
  size_t dimensions[2] = {2, 1};
  matvar_t* annotations = Mat_VarCreateStruct("Annotations", 2, dimensions, fields, 3);
  Mat_VarSetStructFieldByName(annotations, "imgname", 0, Text(nullptr, "a.jpg"));
  Mat_VarSetStructFieldByName(annotations, "imgsize", 0, Numbers(nullptr, 3, 1, {640, 480, 3}));
  Mat_VarSetStructFieldByName(annotations, "objects", 0,
                              Numbers(nullptr, 2, 6, {10, 50, 20, 60, 40, 90, 70, 100, 3, 0, 0, 1}));
  Mat_VarSetStructFieldByName(annotations, "imgname", 1, Text(nullptr, "b.jpg"));
  Mat_VarSetStructFieldByName(annotations, "imgsize", 1, Numbers(nullptr, 3, 1, {100, 50, 3}));
  Mat_VarSetStructFieldByName(annotations, "objects", 1, Numbers(nullptr, 1, 6, {1, 2, 3, 4, 0, 0}));
  const auto images = ReadAll(OpenFaceEvalMat(WriteMat("afw.mat", {annotations})));
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].candidates, ElementsAre("a.jpg"));
  EXPECT_EQ(images[0].declared_width, 640);
  EXPECT_EQ(images[0].declared_height, 480);
  ASSERT_THAT(images[0].faces, SizeIs(2));
  const AnnotatedFace& face = images[0].faces[0];
  EXPECT_THAT((std::vector<double>{face.x, face.y, face.w, face.h}), ElementsAre(10, 20, 30, 50));
  EXPECT_EQ(face.attributes["pose"], 3);
  EXPECT_FALSE(face.ignore);
  EXPECT_TRUE(images[0].faces[1].ignore);
  EXPECT_EQ(images[1].faces[0].w, 2);
}

}  // namespace
}  // namespace hardface::data
