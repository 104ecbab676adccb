#include "terms/external.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "terms/atom_table.h"
#include "terms/compare.h"
#include "terms/copy.h"
#include "terms/hash.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/print.h"

namespace ep::terms {
namespace {

using Raw = std::vector<unsigned char>;

Raw encoded(Word term) {
  Buffer buffer;
  encode(term, buffer);
  return {buffer.bytes().begin(), buffer.bytes().end()};
}

/// 0 if it is none.
Word decoded(ErlNifEnv& env, const Raw& bytes) {
  Word term = 0;
  return decode(env, bytes, Atoms::kMake, &term) == bytes.size() ? term : 0;
}

Raw with_version(Raw bytes) {
  bytes.insert(bytes.begin(), 131);
  return bytes;
}

/// Through the format, a copy, and back: nothing is lost, and the hash is the same.
void expect_round_trip(Word term) {
  ErlNifEnv env;
  ErlNifEnv other;
  const Raw bytes = encoded(term);
  const Word back = decoded(env, bytes);
  ASSERT_NE(back, 0U);
  EXPECT_TRUE(identical(term, back));
  EXPECT_EQ(compare(term, back), 0);
  EXPECT_EQ(hash(term), hash(back));
  const Word copied = copy(other, back);
  env.clear();
  EXPECT_TRUE(identical(copied, term));
  EXPECT_EQ(encoded(copied), bytes);
}

Word list_of(ErlNifEnv& env, std::size_t size, Word element, Word tail = kNil) {
  for (; size > 0; --size) tail = enif_make_list_cell(&env, element, tail);
  return tail;
}

constexpr std::size_t kSizes[] = {0,   1,   2,   31,  32,   33,    63,    64,     65,
                                  127, 128, 255, 256, 1000, 65535, 65536, 100000, 1000000};

TEST(External, IntegersOfEachSizeComeBack) {
  ErlNifEnv env;
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (std::int64_t offset = -2; offset <= 2; ++offset) {
      const auto number =
          static_cast<std::int64_t>((std::uint64_t{1} << bit) + static_cast<std::uint64_t>(offset));
      for (const std::int64_t value :
           {number, static_cast<std::int64_t>(-static_cast<std::uint64_t>(number))}) {
        const Word term = make_integer(env, value);
        EXPECT_EQ(get_int64(term), value);
        expect_round_trip(term);
      }
      const auto natural = static_cast<std::uint64_t>(number);
      EXPECT_EQ(get_uint64(make_integer(env, natural)), natural);
      expect_round_trip(make_integer(env, natural));
    }
  }
}

TEST(External, BigIntegersOfEachSizeComeBack) {
  ErlNifEnv env;
  for (const std::size_t size : kSizes) {
    const Raw magnitude(size, 0xA7);
    expect_round_trip(make_integer(env, false, magnitude));
    expect_round_trip(make_integer(env, true, magnitude));
  }
}

TEST(External, IntegersWithZerosInFrontAreTheSame) {
  ErlNifEnv env;
  EXPECT_EQ(decoded(env, with_version({110, 9, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0})), make_small(-5));
  EXPECT_EQ(decoded(env, with_version({110, 0, 1})), make_small(0));
  EXPECT_EQ(decoded(env, with_version({111, 0, 0, 0, 2, 0, 1, 1})), make_small(257));
}

TEST(External, ContainersOfEachSizeComeBack) {
  for (const std::size_t size : kSizes) {
    ErlNifEnv env;
    const Word element = enif_make_double(&env, 1.5);
    expect_round_trip(list_of(env, size, element));
    expect_round_trip(list_of(env, size, make_small(7)));  // a string, up to 65535
    expect_round_trip(list_of(env, size, element, make_small(1)));
    const std::vector<Word> elements(size, element);
    expect_round_trip(
        enif_make_tuple_from_array(&env, elements.data(), static_cast<unsigned>(size)));
    unsigned char* bytes;
    const Word binary = make_binary(env, size, &bytes);
    std::fill_n(bytes, size, 'x');
    expect_round_trip(binary);
  }
}

TEST(External, MapsOfEachSizeComeBack) {
  for (const std::size_t size : kSizes) {
    ErlNifEnv env;
    std::vector<Word> keys, values;
    for (std::size_t i = 0; i < size; ++i) {
      keys.push_back(i % 2 == 0
                         ? make_small(static_cast<std::int64_t>(i))
                         : make_binary(env, {reinterpret_cast<unsigned char*>(&i), sizeof i}));
      values.push_back(make_small(static_cast<std::int64_t>(i)));
    }
    Word map;
    ASSERT_TRUE(enif_make_map_from_arrays(&env, keys.data(), values.data(), size, &map));
    expect_round_trip(map);
  }
}

TEST(External, WhatIsNestedAMillionDeepComesBack) {
  ErlNifEnv env;
  Word list = kNil, tuple = kNil, map = kNil, tail = kNil;
  for (int i = 0; i < 1'000'000; ++i) {
    list = enif_make_list_cell(&env, list, kNil);
    tuple = enif_make_tuple_from_array(&env, &tuple, 1);
    Word key = make_small(1);
    enif_make_map_from_arrays(&env, &key, &map, 1, &map);
    tail = enif_make_list_cell(&env, make_small(i), tail);
  }
  for (const Word term : {list, tuple, map, tail}) expect_round_trip(term);
}

TEST(External, BitsAfterTheLastOneDoNotCount) {
  ErlNifEnv env;
  const Word bits = decoded(env, with_version({77, 0, 0, 0, 2, 3, 0xFF, 0xFF}));
  EXPECT_EQ(show(bits, 100), "<<255,7:3>>");
  EXPECT_TRUE(identical(bits, decoded(env, with_version({77, 0, 0, 0, 2, 3, 0xFF, 0xE0}))));
  EXPECT_FALSE(enif_is_binary(&env, bits));
  expect_round_trip(bits);
}

TEST(External, AtomsInLatin1AndUtf8AreTheSame) {
  ErlNifEnv env;
  const Word atom = decoded(env, with_version({100, 0, 1, 0xE4}));
  EXPECT_EQ(text_of_atom(atom), "\xC3\xA4");
  EXPECT_EQ(decoded(env, with_version({115, 1, 0xE4})), atom);
  EXPECT_EQ(decoded(env, with_version({119, 2, 0xC3, 0xA4})), atom);
  EXPECT_EQ(decoded(env, with_version({118, 0, 2, 0xC3, 0xA4})), atom);
}

TEST(External, MakesNoAtomIfItMustNot) {
  ErlNifEnv env;
  const Raw unknown = with_version({119, 4, 'n', 'e', 'v', '!'});
  Word term;
  EXPECT_EQ(decode(env, unknown, Atoms::kExistingOnly, &term), 0U);
  EXPECT_EQ(find_atom("nev!"), 0U);
  const Word made = decoded(env, unknown);
  EXPECT_EQ(decode(env, unknown, Atoms::kExistingOnly, &term), unknown.size());
  EXPECT_EQ(term, made);
}

TEST(External, AnAtomHas255CharactersAtMost) {
  std::string text;
  for (int i = 0; i < 255; ++i) text += "\xF0\x9F\x98\x80";
  EXPECT_NE(make_atom(text), 0U);
  expect_round_trip(make_atom(text));
  EXPECT_EQ(make_atom(text + "x"), 0U);
  EXPECT_EQ(make_atom(std::string(256, 'x')), 0U);
  EXPECT_EQ(make_atom("\xED\xA0\x80"), 0U);  // a lone surrogate
}

TEST(External, OldFloatsAreRead) {
  ErlNifEnv env;
  Raw text(31, 0);
  const std::string digits = "1.50000000000000000000e+00";
  std::copy(digits.begin(), digits.end(), text.begin());
  text.insert(text.begin(), 99);
  EXPECT_EQ(float_of(decoded(env, with_version(text))), 1.5);
}

TEST(External, InfinityAndNanAreNone) {
  ErlNifEnv env;
  EXPECT_EQ(decoded(env, with_version({70, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0})), 0U);
  EXPECT_EQ(decoded(env, with_version({70, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0})), 0U);
}

TEST(External, AMapWithOneKeyTwiceIsNone) {
  ErlNifEnv env;
  EXPECT_EQ(decoded(env, with_version({116, 0, 0, 0, 2, 97, 1, 97, 2, 97, 1, 97, 3})), 0U);
  Raw large{131, 116, 0, 0, 0, 101};
  for (unsigned char i = 0; i < 101; ++i) {
    large.insert(large.end(), {97, static_cast<unsigned char>(i % 100), 97, 0});
  }
  EXPECT_EQ(decoded(env, large), 0U);
}

const Raw kPid = {88, 119, 1, 'n', 0, 0, 0, 80, 0, 0, 0, 3, 0, 0, 0, 1};

TEST(External, PidsPortsReferencesAndFunsComeBack) {
  ErlNifEnv env;
  const Raw port = {120, 119, 1, 'n', 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1};
  const Raw reference = {90, 0, 2, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 8};
  const Raw function = {113, 119, 1, 'm', 119, 1, 'f', 97, 2};
  const auto expect = [&](const Raw& raw, ErlNifTermType type, const std::string& text) {
    const Word term = decoded(env, with_version(raw));
    ASSERT_NE(term, 0U);
    EXPECT_EQ(enif_term_type(&env, term), type);
    EXPECT_EQ(show(term, 100), text);
    EXPECT_EQ(encoded(term), with_version(raw));
    expect_round_trip(term);
  };
  expect(kPid, ERL_NIF_TERM_TYPE_PID, "<n.80.3>");
  expect(port, ERL_NIF_TERM_TYPE_PORT, "#Port<n.5>");
  expect(reference, ERL_NIF_TERM_TYPE_REFERENCE, "#Ref<n.8.7>");
  expect(function, ERL_NIF_TERM_TYPE_FUN, "fun m:f/2");
}

TEST(External, ReadsOneTermAndSaysHowMuchItTook) {
  ErlNifEnv env;
  Word term;
  const Raw two = {131, 97, 1, 97, 2};
  EXPECT_EQ(decode(env, two, Atoms::kMake, &term), 3U);
  EXPECT_EQ(term, make_small(1));
}

TEST(External, EachTruncationOfATermIsNone) {
  ErlNifEnv env;
  Word map;
  Word keys[] = {decoded(env, with_version(kPid)), make_small(1'000'000)};
  Word values[] = {list_of(env, 40, make_atom("atom"), make_small(1)), enif_make_double(&env, 2.5)};
  ASSERT_TRUE(enif_make_map_from_arrays(&env, keys, values, 2, &map));
  const Raw whole = encoded(enif_make_tuple3(&env, map, list_of(env, 300, make_small(9)),
                                             make_integer(env, true, Raw(300, 1))));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Of its own size, so that reading past its end is seen.
    const Raw part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Word term;
    EXPECT_EQ(decode(env, part, Atoms::kMake, &term), 0U) << size;
  }
}

TEST(External, ALengthThatIsNotThereIsNone) {
  ErlNifEnv env;
  for (const unsigned char tag : {105, 108, 109, 111, 112, 116}) {
    EXPECT_EQ(decoded(env, with_version({tag, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})), 0U)
        << int{tag};
  }
}

TEST(External, ContainersThatPromiseMoreThanThereIsTakeNoMemory) {
  // Each of 100,000 promises a million elements, and holds one.
  Raw nest{131};
  for (int i = 0; i < 100'000; ++i) nest.insert(nest.end(), {108, 0, 0x0F, 0x42, 0x40});
  nest.resize(2'000'000, 106);
  ErlNifEnv env;
  EXPECT_EQ(decoded(env, nest), 0U);
}

TEST(External, ListsOfNothingInARowDoNotRecurse) {
  Raw nest{131};
  for (int i = 0; i < 1'000'000; ++i) nest.insert(nest.end(), {108, 0, 0, 0, 0});
  nest.push_back(106);
  ErlNifEnv env;
  EXPECT_EQ(decoded(env, nest), kNil);
}

TEST(External, MapsAsKeysOfMapsAreNestedSoDeepAtMost) {
  const auto nest = [](int depth) {
    Raw bytes{131};
    for (int i = 0; i < depth; ++i) bytes.insert(bytes.end(), {116, 0, 0, 0, 1});
    bytes.push_back(106);
    for (int i = 0; i < depth; ++i) bytes.push_back(106);
    return bytes;
  };
  ErlNifEnv env;
  expect_round_trip(decoded(env, nest(kMostNestedKeys)));
  EXPECT_EQ(decoded(env, nest(1'000'000)), 0U);
}

TEST(External, NoMessOfBytesDoesHarm) {
  std::uint64_t state = 1;
  const auto random = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33);
  };
  ErlNifEnv env;
  Word elements[] = {make_small(-1), list_of(env, 20, make_atom("a")),
                     decoded(env, with_version(kPid)), enif_make_double(&env, 0.5),
                     make_integer(env, true, Raw(30, 3))};
  Word map = enif_make_new_map(&env);
  for (const Word element : elements) map = put_in_map(env, map, element, element);
  const Raw whole =
      encoded(enif_make_tuple2(&env, map, enif_make_list_from_array(&env, elements, 5)));
  unsigned understood = 0;
  for (int round = 0; round < 50'000; ++round) {
    Raw mutated = whole;
    for (std::size_t i = 0, count = 1 + random() % 4; i < count; ++i) {
      mutated[1 + random() % (mutated.size() - 1)] =
          static_cast<unsigned char>(random() % 2 == 0 ? random() : 97 + random() % 24);
    }
    ErlNifEnv scratch;
    Word term;
    if (decode(scratch, mutated, Atoms::kExistingOnly, &term) == 0) continue;
    ++understood;
    expect_round_trip(term);
    show(term, 1000);
  }
  EXPECT_GT(understood, 0U);
}

}  // namespace
}  // namespace ep::terms
