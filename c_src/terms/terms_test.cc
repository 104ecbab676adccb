// The enif_ functions, as the library's own code calls them.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "terms/atom_table.h"
#include "terms/compare.h"
#include "terms/env.h"
#include "terms/external.h"
#include "terms/integer.h"
#include "terms/map.h"
#include "terms/print.h"

namespace ep::terms {
namespace {

/// Counts what it destroys.
struct Counted {
  int* destroyed;
};

ErlNifResourceType* counted_type() {
  ErlNifResourceTypeInit init{};
  init.dtor = [](ErlNifEnv*, void* object) { ++*static_cast<Counted*>(object)->destroyed; };
  return enif_open_resource_type_x(nullptr, "counted", &init, ERL_NIF_RT_CREATE, nullptr);
}

class Terms : public testing::Test {
 protected:
  Counted* make_counted() {
    auto* const object = static_cast<Counted*>(enif_alloc_resource(type_, sizeof(Counted)));
    object->destroyed = &destroyed_;
    return object;
  }

  Word text(const std::string& bytes) {
    Word term;
    unsigned char* const data = enif_make_new_binary(env_, bytes.size(), &term);
    std::copy(bytes.begin(), bytes.end(), data);
    return term;
  }

  ErlNifResourceType* const type_ = counted_type();
  int destroyed_ = 0;
  ErlNifEnv own_;
  ErlNifEnv* const env_ = &own_;
};

TEST_F(Terms, AResourceLivesAsLongAsItsTerms) {
  Counted* const object = make_counted();
  const Word term = enif_make_resource(env_, object);
  enif_release_resource(object);
  ErlNifEnv* const other = enif_alloc_env();
  const Word copied = enif_make_copy(other, term);
  enif_clear_env(env_);
  EXPECT_EQ(destroyed_, 0);
  void* found = nullptr;
  EXPECT_TRUE(enif_get_resource(other, copied, type_, &found));
  EXPECT_EQ(found, object);
  EXPECT_FALSE(enif_get_resource(other, copied, counted_type(), &found));
  EXPECT_EQ(enif_term_type(other, copied), ERL_NIF_TERM_TYPE_REFERENCE);
  enif_free_env(other);
  EXPECT_EQ(destroyed_, 1);
}

TEST_F(Terms, ABinaryKeepsTheResourceWhoseBytesItHas) {
  static constexpr char kBytes[] = "some bytes";
  Counted* const object = make_counted();
  const Word binary = enif_make_resource_binary(env_, object, kBytes, 4);
  enif_release_resource(object);
  ErlNifEnv other;
  const Word copied = enif_make_copy(&other, binary);
  enif_clear_env(env_);
  ErlNifBinary view;
  ASSERT_TRUE(enif_inspect_binary(&other, copied, &view));
  EXPECT_EQ(view.size, 4U);
  EXPECT_EQ(reinterpret_cast<const char*>(view.data), kBytes);
  EXPECT_EQ(destroyed_, 0);
  other.clear();
  EXPECT_EQ(destroyed_, 1);
}

TEST_F(Terms, AResourceIsFoundAgainByItsReference) {
  Counted* const object = make_counted();
  Buffer buffer;
  encode(enif_make_resource(env_, object), buffer);
  Word back;
  ASSERT_EQ(decode(own_, buffer.bytes(), Atoms::kMake, &back), buffer.size());
  void* found = nullptr;
  EXPECT_TRUE(enif_get_resource(env_, back, type_, &found));
  EXPECT_EQ(found, object);
  enif_release_resource(object);
  enif_clear_env(env_);
  EXPECT_EQ(destroyed_, 1);
  ASSERT_EQ(decode(own_, buffer.bytes(), Atoms::kMake, &back), buffer.size());
  EXPECT_FALSE(enif_get_resource(env_, back, type_, &found));
  EXPECT_EQ(enif_term_type(env_, back), ERL_NIF_TERM_TYPE_REFERENCE);
}

TEST_F(Terms, LongBinariesAreShared) {
  const Word binary = text(std::string(100, 'x'));
  ErlNifEnv other;
  const Word copied = enif_make_copy(&other, binary);
  ErlNifBinary one, two;
  enif_inspect_binary(env_, binary, &one);
  enif_inspect_binary(&other, copied, &two);
  EXPECT_EQ(one.data, two.data);
  enif_clear_env(env_);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(two.data), two.size), std::string(100, 'x'));
}

TEST_F(Terms, MapsGetTheirPairsOneByOne) {
  for (const std::int64_t size :
       {0, 1, 12, 13, 31, 32, 33, 127, 128, 129, 1000, 100'000, 1'000'000}) {
    Word map = enif_make_new_map(env_);
    for (std::int64_t i = 0; i < size; ++i) {
      ASSERT_TRUE(enif_make_map_put(env_, map, make_small(i), make_small(-i), &map));
    }
    std::size_t count;
    ASSERT_TRUE(enif_get_map_size(env_, map, &count));
    EXPECT_EQ(count, static_cast<std::size_t>(size));
    for (std::int64_t i = 0; i < size; ++i) {
      Word value;
      ASSERT_TRUE(enif_get_map_value(env_, map, make_small(i), &value));
      EXPECT_EQ(value, make_small(-i));
    }
    Word none;
    EXPECT_FALSE(enif_get_map_value(env_, map, make_small(size), &none));
    EXPECT_FALSE(enif_get_map_value(env_, map, enif_make_double(env_, 1), &none));
    enif_clear_env(env_);
  }
}

TEST_F(Terms, AMapDoesNotChangeWhenAnotherIsMadeOfIt) {
  Word small = enif_make_new_map(env_);
  for (std::int64_t i = 0; i < 20; ++i)
    small = put_in_map(own_, small, make_small(i), make_small(i));
  Word left, right, changed, value;
  enif_make_map_put(env_, small, make_small(100), make_small(1), &left);
  enif_make_map_put(env_, small, make_small(100), make_small(2), &right);
  enif_make_map_put(env_, small, make_small(5), make_small(3), &changed);
  EXPECT_FALSE(enif_get_map_value(env_, small, make_small(100), &value));
  EXPECT_TRUE(enif_get_map_value(env_, left, make_small(100), &value) && value == make_small(1));
  EXPECT_TRUE(enif_get_map_value(env_, right, make_small(100), &value) && value == make_small(2));
  EXPECT_TRUE(enif_get_map_value(env_, changed, make_small(5), &value) && value == make_small(3));
  EXPECT_TRUE(enif_get_map_value(env_, small, make_small(5), &value) && value == make_small(5));
  EXPECT_FALSE(identical(left, right));
  ErlNifEnv other;
  const Word copied = enif_make_copy(&other, small);  // of the first pairs of a larger table
  EXPECT_TRUE(identical(copied, small));
  enif_make_map_put(&other, copied, make_small(100), make_small(1), &value);
  EXPECT_TRUE(identical(value, left));
}

TEST_F(Terms, AMapIsReadPairByPair) {
  Word keys[] = {make_small(1), make_small(2)};
  Word map;
  ASSERT_TRUE(enif_make_map_from_arrays(env_, keys, keys, 2, &map));
  ErlNifMapIterator at;
  Word key, value;
  ASSERT_TRUE(enif_map_iterator_create(env_, map, &at, ERL_NIF_MAP_ITERATOR_FIRST));
  std::vector<Word> seen;
  while (enif_map_iterator_get_pair(env_, &at, &key, &value)) {
    seen.push_back(key);
    enif_map_iterator_next(env_, &at);
  }
  enif_map_iterator_destroy(env_, &at);
  EXPECT_EQ(seen, std::vector<Word>(keys, keys + 2));
  EXPECT_FALSE(enif_map_iterator_create(env_, make_small(1), &at, ERL_NIF_MAP_ITERATOR_FIRST));
}

TEST_F(Terms, EqualKeysAreNoticed) {
  for (const std::size_t size : {2U, 12U, 13U, 1000U}) {
    std::vector<Word> keys;
    for (std::size_t i = 0; i < size; ++i) keys.push_back(text(std::to_string(i)));
    keys.back() = text("0");
    Word map;
    EXPECT_FALSE(enif_make_map_from_arrays(env_, keys.data(), keys.data(), size, &map));
  }
}

TEST_F(Terms, AreOrderedAsInErlang) {
  const auto tuple = [this](Word a, Word b) { return enif_make_tuple2(env_, a, b); };
  const auto list = [this](Word a, Word b) { return enif_make_list(env_, 2, a, b); };
  const auto real = [this](double number) { return enif_make_double(env_, number); };
  const auto map = [this](Word key, Word value) {
    Word made;
    enif_make_map_from_arrays(env_, &key, &value, 1, &made);
    return made;
  };
  const std::vector<Word> ordered = {
      make_integer(own_, std::numeric_limits<std::int64_t>::min()),
      real(-9e18),
      make_small(-1),
      real(-0.5),
      make_small(0),
      real(0.5),
      make_small(1),
      make_integer(own_, (std::int64_t{1} << 53) - 1),
      real(9007199254740992.0),
      make_integer(own_, (std::int64_t{1} << 53) + 1),
      real(1e18),
      make_integer(own_, std::numeric_limits<std::int64_t>::max()),
      real(9223372036854775808.0),
      make_integer(own_, (std::uint64_t{1} << 63) + 1),
      make_integer(own_, false, std::array<unsigned char, 9>{1, 0, 0, 0, 0, 0, 0, 0, 1}),
      real(1e300),
      make_atom(""),
      make_atom("a"),
      make_atom("aa"),
      make_atom("b"),
      enif_make_tuple(env_, 0),
      tuple(make_small(1), make_small(2)),
      tuple(real(1), make_small(3)),
      tuple(make_small(2), make_small(0)),
      enif_make_new_map(env_),
      map(make_small(1), make_small(1)),
      map(make_small(1), make_small(2)),
      map(real(1), make_small(0)),
      kNil,
      enif_make_list(env_, 1, make_small(1)),
      list(make_small(1), make_small(1)),
      list(make_small(2), make_small(1)),
      text(""),
      text("a"),
      text("aa"),
      text("b"),
  };
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      const int expected = i < j ? -1 : i > j ? 1 : 0;
      const int found = enif_compare(ordered[i], ordered[j]);
      EXPECT_EQ(found < 0   ? -1
                : found > 0 ? 1
                            : 0,
                expected)
          << show(ordered[i], 80) << " and " << show(ordered[j], 80);
      EXPECT_EQ(enif_is_identical(ordered[i], ordered[j]), i == j);
    }
  }
  EXPECT_EQ(enif_compare(make_small(1), real(1)), 0);
  EXPECT_FALSE(enif_is_identical(make_small(1), real(1)));
  EXPECT_FALSE(enif_is_identical(real(0.0), real(-0.0)));
}

TEST_F(Terms, AreShownAsErlangShowsThem) {
  const auto shown = [](Word term) {
    std::array<char, 256> buffer;
    EXPECT_GE(enif_snprintf(buffer.data(), buffer.size(), "%T", term), 0);
    return std::string(buffer.data());
  };
  EXPECT_EQ(shown(enif_make_tuple2(env_, make_atom("ok"), make_atom("Not ok"))), "{ok,'Not ok'}");
  EXPECT_EQ(shown(enif_make_list(env_, 2, make_small('h'), make_small('i'))), "\"hi\"");
  EXPECT_EQ(shown(enif_make_list_cell(env_, make_small(1), make_small(2))), "[1|2]");
  EXPECT_EQ(shown(text("a\"b")), "<<\"a\\\"b\">>");
  EXPECT_EQ(shown(text("\1")), "<<1>>");
  EXPECT_EQ(shown(enif_make_double(env_, 1)), "1.0");
  EXPECT_EQ(shown(enif_make_double(env_, 1e30)), "1.0e+30");
  Word map;
  Word key = make_atom("k");
  Word value = make_small(-7);
  enif_make_map_from_arrays(env_, &key, &value, 1, &map);
  EXPECT_EQ(shown(map), "#{k=>-7}");
  EXPECT_EQ(
      shown(make_integer(own_, true, std::array<unsigned char, 9>{0, 0, 0, 0, 0, 0, 0, 0, 1})),
      "-18446744073709551616");
  std::array<char, 4> tiny;
  EXPECT_GE(enif_snprintf(tiny.data(), tiny.size(), "%T", make_atom("abcdef")), 4);
  EXPECT_STREQ(tiny.data(), "abc");
  EXPECT_EQ(enif_snprintf(tiny.data(), tiny.size(), "%d"), -1);
}

TEST_F(Terms, ThreadsAgreeOnAtomsAndResources) {
  constexpr int kAtoms = 3000;
  Counted* const object = make_counted();
  const std::uint64_t number = Resource::of(object)->number();
  std::array<std::vector<Word>, 4> made;
  std::vector<std::thread> threads;
  for (auto& atoms : made) {
    threads.emplace_back([&atoms, number] {
      for (int i = 0; i < kAtoms; ++i) {
        const std::string name = "race" + std::to_string(i);
        atoms.push_back(make_atom(name));
        EXPECT_EQ(text_of_atom(atoms.back()), name);
        if (Resource* const found = Resource::find(number)) found->release();
      }
    });
  }
  enif_release_resource(object);
  for (std::thread& thread : threads) thread.join();
  for (const auto& atoms : made) EXPECT_EQ(atoms, made[0]);
  EXPECT_EQ(destroyed_, 1);
  EXPECT_EQ(Resource::find(number), nullptr);
}

TEST_F(Terms, GoToNobody) {
  ErlNifPid pid{};
  EXPECT_FALSE(enif_send(nullptr, &pid, env_, make_atom("hello")));
  EXPECT_FALSE(enif_whereis_pid(env_, make_atom("init"), &pid));
  EXPECT_GT(enif_monitor_process(env_, nullptr, &pid, nullptr), 0);
  EXPECT_LT(enif_select(env_, 0, ERL_NIF_SELECT_READ, nullptr, nullptr, kNil), 0);
}

}  // namespace
}  // namespace ep::terms
