#include "data_tools/images/image_kind.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace hardface::data {
namespace {

// A kind that is recognised and not read, and a command that converts it; IN and OUT stand for the files' names.
struct ForeignKind {
  absl::string_view name;
  absl::string_view command;
};

constexpr absl::string_view kMagick = "convert IN OUT.png (ImageMagick)";
constexpr absl::string_view kHeif = "heif-convert IN OUT.png (libheif-examples)";

bool Holds(absl::string_view bytes, size_t at, absl::string_view signature) {
  return bytes.size() >= at && absl::StartsWith(bytes.substr(at), signature);
}

// The files that consist of ISO boxes: phones' pictures and videos. The brands begin at byte 8.
ForeignKind IsoKind(absl::string_view bytes) {
  const absl::string_view brand = bytes.substr(8, 4), brands = bytes.substr(8, 56);
  if (brand == "crx ") return {"a Canon raw file", "darktable-cli IN OUT.png (darktable)"};
  if (absl::StrContains(brands, "avif") || absl::StrContains(brands, "avis")) {
    return {"an AVIF picture", "avifdec IN OUT.png (libavif-bin)"};
  }
  for (const absl::string_view known : {"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"}) {
    if (brand == known) return {"a HEIC picture", kHeif};
  }
  return {"a video", "ffmpeg -i IN OUT-%06d.png (ffmpeg)"};
}

// What the file is where it is not read; an empty name where that is not known.
ForeignKind ForeignKindOf(absl::string_view bytes) {
  struct Signature {
    absl::string_view bytes;
    ForeignKind kind;
  };
  static constexpr Signature kSignatures[] = {
      {"GIF87a", {"a GIF picture", kMagick}},
      {"GIF89a", {"a GIF picture", kMagick}},
      {{"II*\0", 4}, {"a TIFF picture or a camera's raw file", kMagick}},
      {{"MM\0*", 4}, {"a TIFF picture or a camera's raw file", kMagick}},
      {{"II+\0", 4}, {"a BigTIFF picture", kMagick}},
      {{"MM\0+", 4}, {"a BigTIFF picture", kMagick}},
      {"\xff\x0a", {"a JPEG XL picture", "djxl IN OUT.png (libjxl-tools)"}},
      {{"\0\0\0\x0cJXL ", 8}, {"a JPEG XL picture", "djxl IN OUT.png (libjxl-tools)"}},
      {{"\0\0\0\x0cjP  ", 8}, {"a JPEG 2000 picture", "opj_decompress -i IN -o OUT.png (libopenjp2-tools)"}},
      {"\xff\x4f\xff\x51", {"a JPEG 2000 picture", "opj_decompress -i IN -o OUT.png (libopenjp2-tools)"}},
      {"8BPS", {"a Photoshop picture", kMagick}},
      {{"\0\0\x01\0", 4}, {"an icon", kMagick}},
      {"%PDF", {"a PDF file", "pdfimages -png IN OUT (poppler-utils)"}},
      {"<svg", {"a drawing in SVG", "rsvg-convert -o OUT.png IN (librsvg2-bin)"}},
      {"P2\n", {"a PGM picture", kMagick}},
      {"P3\n", {"a PPM picture", kMagick}},
      {"P5\n", {"a PGM picture", kMagick}},
      {"P6\n", {"a PPM picture", kMagick}},
  };
  if (Holds(bytes, 4, "ftyp")) return IsoKind(bytes);
  for (const Signature& signature : kSignatures) {
    if (Holds(bytes, 0, signature.bytes)) return signature.kind;
  }
  return {};
}

// Texts that stand where a picture should: what a download or a version control system left.
absl::string_view NotFetched(absl::string_view bytes) {
  if (absl::StartsWithIgnoreCase(bytes, "<!doctype html") || absl::StartsWithIgnoreCase(bytes, "<html")) {
    return "is a web page, not a picture: the download failed or asked to log in; fetch the picture again";
  }
  if (Holds(bytes, 0, "version https://git-lfs")) return "is a pointer of Git LFS; fetch the picture by: git lfs pull";
  return "";
}

// Two letters would be little to go by; the size of the second header, one of few, follows.
bool IsBmp(absl::string_view bytes) {
  if (!Holds(bytes, 0, "BM") || !Holds(bytes, 15, absl::string_view("\0\0\0", 3))) return false;
  return absl::StrContains("\x0c\x10\x28\x34\x38\x40\x6c\x7c", bytes.substr(14, 1));
}

}  // namespace

absl::StatusOr<ImageKind> ImageKindOf(absl::string_view bytes, const std::string& path) {
  if (Holds(bytes, 0, "\xff\xd8\xff")) return ImageKind::kJpeg;
  if (Holds(bytes, 0, "\x89PNG\r\n\x1a\n")) return ImageKind::kPng;
  if (Holds(bytes, 0, "RIFF") && Holds(bytes, 8, "WEBP")) return ImageKind::kWebp;
  if (IsBmp(bytes)) return ImageKind::kBmp;
  if (bytes.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": is empty; replace or remove it"));
  if (const absl::string_view text = NotFetched(bytes); !text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", text));
  }
  if (const ForeignKind kind = ForeignKindOf(bytes); !kind.name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is ", kind.name,
                                                   ", which is not read; convert it to JPEG or PNG, for example by: ",
                                                   absl::StrReplaceAll(kind.command, {{"IN", path}, {"OUT", path}})));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": is neither a JPEG nor a PNG, WebP or BMP picture; replace or remove it"));
}

const std::vector<std::string>& ImageExtensions() {
  static const auto* const kExtensions =
      new std::vector<std::string>{".jpg", ".jpeg", ".png", ".webp", ".bmp", ".jpe", ".jfif"};
  return *kExtensions;
}

const std::vector<std::string>& ForeignExtensions() {
  static const auto* const kExtensions =
      new std::vector<std::string>{".heic", ".heif", ".avif", ".tif", ".tiff", ".gif", ".jxl",
                                   ".jp2",  ".dng",  ".cr2",  ".cr3", ".nef",  ".arw", ".psd"};
  return *kExtensions;
}

std::string WithoutPictureExtension(const std::string& name) {
  for (const std::string& extension : ImageExtensions()) {
    // A name that is an extension only (".jpg") is kept: an empty name names nothing.
    const bool whole = name.size() == extension.size() || absl::EndsWithIgnoreCase(name, absl::StrCat("/", extension));
    if (absl::EndsWithIgnoreCase(name, extension) && !whole) return name.substr(0, name.size() - extension.size());
  }
  return name;
}

}  // namespace hardface::data
