#include "base/html_page.h"

#include <gtest/gtest.h>

namespace hardface {
namespace {

TEST(HtmlPage, TextIsEscaped) {
  EXPECT_EQ(HtmlText("<script>alert(\"1\" & '2')</script>").code,
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
  EXPECT_EQ(HtmlElement("b", "a<b", "note").code, "<b class=\"note\">a&lt;b</b>");
  EXPECT_EQ(HtmlPicture("image/png", "x", "\" onerror=\"alert(1)").code,
            "<img alt=\"&quot; onerror=&quot;alert(1)\" src=\"data:image/png;base64,eA==\">");
}

TEST(HtmlPage, BytesThatAreNoUtf8AreReplaced) {
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(HtmlText("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80").code,
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(HtmlText("a\xff z").code, "a" + replaced + " z");
  EXPECT_EQ(HtmlText("\xe2\x82").code, replaced + replaced);  // cut off
  EXPECT_EQ(HtmlText("\xc0\xbc").code, replaced + replaced);  // "<" written overlong
  EXPECT_EQ(HtmlText("\xe0\x80\xbc").code, replaced + replaced + replaced);
  EXPECT_EQ(HtmlText("\xed\xa0\x80").code, replaced + replaced + replaced);  // a surrogate
  EXPECT_EQ(HtmlText(absl::string_view("\x1b\0\n", 3)).code, replaced + replaced + "\n");
}

TEST(HtmlPage, TablesHaveHeadAndRows) {
  EXPECT_EQ(HtmlTable(HtmlTextRow({"name", "ap"}), {HtmlTextRow({"<a>", "0.5"})}).code,
            "<table><thead><tr><th>name</th><th>ap</th></tr>\n</thead>"
            "<tbody><tr><td>&lt;a&gt;</td><td>0.5</td></tr>\n</tbody></table>\n");
}

TEST(HtmlPage, WarningsOnlyWhereThereAreSome) {
  EXPECT_EQ(HtmlWarnings({}).code, "");
  EXPECT_NE(HtmlWarnings({"a<b"}).code.find("<li>a&lt;b</li>"), std::string::npos);
}

TEST(HtmlPage, PageForbidsItselfToLoadAnything) {
  const std::string page = HtmlPage("R & D", HtmlElement("p", "x"));
  EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0u);
  EXPECT_NE(page.find("<title>R &amp; D</title>"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.find("<p>x</p></body></html>"), std::string::npos);
}

}  // namespace
}  // namespace hardface
