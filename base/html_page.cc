#include "base/html_page.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace hardface {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";

constexpr char kStyle[] = R"(
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5em auto; max-width: 1270px; padding: 0 1em; color: #222;
  background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: 0.7em 0; }
th, td { padding: 0.15em 0.8em; text-align: right; vertical-align: top; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid #999; } tbody tr:nth-child(even) { background: #f4f4f4; }
figure { margin: 0; } figcaption { font-size: 0.85em; color: #555; overflow-wrap: anywhere; }
img { max-width: 100%; }
.gallery { display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start; }
.gallery figure { max-width: 480px; } .charts figure { width: 600px; max-width: 100%; }
.thumbnails { gap: 1em 0.6em; } .thumbnails figure { width: 240px; }
.warnings { background: #fff4d6; border: 1px solid #e0b040; padding: 0.5em 1em; }
.note { color: #555; } .differs { background: #fff4d6; }
details { margin: 0.7em 0; } summary { cursor: pointer; color: #035; }
)";

// How many bytes the UTF-8 character at the front of TEXT has; 0: no valid one (RFC 3629).
size_t CharacterLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0), second = byte(1);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

void AppendEscaped(absl::string_view character, std::string* code) {
  switch (character[0]) {
    case '&':
      *code += "&amp;";
      return;
    case '<':
      *code += "&lt;";
      return;
    case '>':
      *code += "&gt;";
      return;
    case '"':
      *code += "&quot;";
      return;
    case '\'':
      *code += "&#39;";
      return;
    default:
      absl::StrAppend(code, character);
  }
}

bool IsControl(unsigned char c) { return (c < 32 && c != '\n' && c != '\t') || c == 127; }

Html Opening(absl::string_view tag, absl::string_view css_class) {
  if (css_class.empty()) return {absl::StrCat("<", tag, ">")};
  return {absl::StrCat("<", tag, " class=\"", css_class, "\">")};
}

Html TableRow(absl::string_view cell_tag, const HtmlRow& row) {
  Html cells;
  for (const Html& cell : row) cells += HtmlElement(cell_tag, cell);
  return HtmlElement("tr", cells) + Html{"\n"};
}

}  // namespace

Html HtmlText(absl::string_view text) {
  Html html;
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0 || (length == 1 && IsControl(static_cast<unsigned char>(text[0])))) {
      html.code += kReplacement;
    } else {
      AppendEscaped(text.substr(0, length), &html.code);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return html;
}

Html HtmlElement(absl::string_view tag, const Html& content, absl::string_view css_class) {
  return Opening(tag, css_class) + content + Html{absl::StrCat("</", tag, ">")};
}

Html HtmlElement(absl::string_view tag, absl::string_view text, absl::string_view css_class) {
  return HtmlElement(tag, HtmlText(text), css_class);
}

HtmlRow HtmlTextRow(const std::vector<std::string>& texts) {
  HtmlRow row;
  for (const std::string& text : texts) row.push_back(HtmlText(text));
  return row;
}

Html HtmlTable(const HtmlRow& head, const std::vector<HtmlRow>& rows) {
  Html body;
  for (const HtmlRow& row : rows) body += TableRow("td", row);
  Html table;
  if (!head.empty()) table += HtmlElement("thead", TableRow("th", head));
  return HtmlElement("table", table + HtmlElement("tbody", body)) + Html{"\n"};
}

Html HtmlPicture(absl::string_view mime, absl::string_view bytes, absl::string_view alt) {
  return {absl::StrCat("<img alt=\"", HtmlText(alt).code, "\" src=\"data:", mime, ";base64,", absl::Base64Escape(bytes),
                       "\">")};
}

Html HtmlFigure(const Html& picture, const Html& caption) {
  return HtmlElement("figure", picture + HtmlElement("figcaption", caption)) + Html{"\n"};
}

Html HtmlFold(absl::string_view summary, const Html& content) {
  return HtmlElement("details", HtmlElement("summary", summary) + content) + Html{"\n"};
}

Html HtmlWarnings(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return {};
  Html items;
  for (const std::string& warning : warnings) items += HtmlElement("li", warning);
  return HtmlElement("div", HtmlElement("b", "Warnings") + HtmlElement("ul", items), "warnings") + Html{"\n"};
}

std::string HtmlPage(absl::string_view title, const Html& body) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      HtmlText(title).code, "</title>\n<style>", kStyle, "</style></head>\n<body>\n", body.code, "</body></html>\n");
}

}  // namespace hardface
