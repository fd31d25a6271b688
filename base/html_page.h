// HTML pages that need no other file and no network: reports that can be kept and mailed.
#ifndef HARDFACE_BASE_HTML_PAGE_H_
#define HARDFACE_BASE_HTML_PAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hardface {

// Markup, apart from text by its type, so that no name or value from a file ends up in a page unescaped. Put together
// by the functions below:
//   const std::string page = HtmlPage("Report", HtmlElement("h1", HtmlText(name)) + HtmlTable(head, rows));
struct Html {
  std::string code;

  Html& operator+=(const Html& other) {
    code += other.code;
    return *this;
  }
  friend Html operator+(Html a, const Html& b) { return a += b; }
};

// TEXT as it stands, whatever it holds. Bytes that are not UTF-8 and control characters become U+FFFD.
Html HtmlText(absl::string_view text);

// <TAG class="CSS_CLASS">CONTENT</TAG>; the classes there are stand in html_page.cc.
Html HtmlElement(absl::string_view tag, const Html& content, absl::string_view css_class = "");
// The same of text.
Html HtmlElement(absl::string_view tag, absl::string_view text, absl::string_view css_class = "");

using HtmlRow = std::vector<Html>;
// A row of text.
HtmlRow HtmlTextRow(const std::vector<std::string>& texts);
// HEAD: the columns' names; empty: none. The first column stands left, the others right.
Html HtmlTable(const HtmlRow& head, const std::vector<HtmlRow>& rows);

// A picture kept within the page. MIME: "image/jpeg", "image/png", "image/svg+xml". ALT: what it shows, in words.
Html HtmlPicture(absl::string_view mime, absl::string_view bytes, absl::string_view alt);

// A picture with a line of text below. In a "gallery" element, figures stand side by side.
Html HtmlFigure(const Html& picture, const Html& caption);

// What is shown after a click on SUMMARY.
Html HtmlFold(absl::string_view summary, const Html& content);

// A box of warnings; nothing where there are none.
Html HtmlWarnings(const std::vector<std::string>& warnings);

// The whole file. The page forbids itself to load anything and to run scripts.
std::string HtmlPage(absl::string_view title, const Html& body);

}  // namespace hardface

#endif  // HARDFACE_BASE_HTML_PAGE_H_
