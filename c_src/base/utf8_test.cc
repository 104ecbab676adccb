#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace ep {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, AsciiIsTold) {
  EXPECT_EQ(classify_utf8(""), Utf8::kAscii);
  EXPECT_EQ(classify_utf8("a\0b"sv), Utf8::kAscii);
  EXPECT_EQ(classify_utf8(std::string(100, '\x7f')), Utf8::kAscii);
}

TEST(Utf8, FirstAndLastOfEachLengthAreValid) {
  for (auto text :
       {"\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv,
        "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
    EXPECT_EQ(classify_utf8(text), Utf8::kValid);
    EXPECT_EQ(classify_utf8("12345678" + std::string(text) + "123456789"), Utf8::kValid);
  }
}

TEST(Utf8, WhatUnicodeForbidsIsInvalid) {
  for (auto bytes : {"\x80"sv,              // a continuation alone
                     "\xC0\x80"sv,          // overlong, 2 bytes
                     "\xC1\xBF"sv,          //
                     "\xE0\x9F\xBF"sv,      // overlong, 3 bytes
                     "\xF0\x8F\xBF\xBF"sv,  // overlong, 4 bytes
                     "\xED\xA0\x80"sv,      // a surrogate
                     "\xF4\x90\x80\x80"sv,  // above U+10FFFF
                     "\xF5\x80\x80\x80"sv, "\xFF"sv}) {
    EXPECT_EQ(classify_utf8(bytes), Utf8::kInvalid);
    EXPECT_EQ(classify_utf8("12345678" + std::string(bytes)), Utf8::kInvalid);
    EXPECT_EQ(classify_utf8("\xC3\xA9" + std::string(bytes) + "x"), Utf8::kInvalid);
  }
}

TEST(Utf8, ASequenceCutShortIsInvalid) {
  for (auto text : {"\xC2\x80"sv, "\xE0\xA0\x80"sv, "\xF0\x90\x80\x80"sv}) {
    for (std::size_t n = 1; n < text.size(); ++n) {
      EXPECT_EQ(classify_utf8(text.substr(0, n)), Utf8::kInvalid);
      EXPECT_EQ(classify_utf8(std::string(text.substr(0, n)) + "a"), Utf8::kInvalid);
    }
  }
}

}  // namespace
}  // namespace ep
