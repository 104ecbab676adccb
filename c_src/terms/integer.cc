#include "terms/integer.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace ep::terms {
namespace {

constexpr Word kMinInt64Magnitude = Word{1} << 63;

/// Sign and magnitude of a number, whatever it is made of.
struct Magnitude {
  bool negative;
  std::span<const Word> limbs;
};

class Integral {
 public:
  explicit Integral(Word integer) noexcept {
    if (is_small(integer)) {
      const std::int64_t number = small_of(integer);
      set(number < 0, number < 0 ? -static_cast<Word>(number) : static_cast<Word>(number));
    } else {
      value_ = {is(integer, Kind::kNegative), limbs_of(integer)};
    }
  }
  Integral(const Integral&) = delete;
  Integral& operator=(const Integral&) = delete;

  const Magnitude& value() const noexcept { return value_; }

 private:
  void set(bool negative, Word magnitude) noexcept {
    limb_ = magnitude;
    value_ = {negative, {&limb_, magnitude == 0 ? 0U : 1U}};
  }

  Word limb_ = 0;
  Magnitude value_{};
};

int compare_limbs(std::span<const Word> a, std::span<const Word> b) noexcept {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

int compare_integers(Word a, Word b) noexcept {
  const Integral x(a);
  const Integral y(b);
  if (x.value().negative != y.value().negative) return x.value().negative ? -1 : 1;
  const int by_magnitude = compare_limbs(x.value().limbs, y.value().limbs);
  return x.value().negative ? -by_magnitude : by_magnitude;
}

/// Of magnitudes; `real` is not negative.
int compare_limbs_to_real(std::span<const Word> limbs, double real) noexcept {
  int exponent;
  std::frexp(real, &exponent);  // real < 2 ** exponent
  const std::size_t bits =
      limbs.empty() ? 0
                    : 64 * limbs.size() - static_cast<std::size_t>(std::countl_zero(limbs.back()));
  const std::size_t real_bits = real >= 1 ? static_cast<std::size_t>(exponent) : 0;
  if (bits != real_bits) return bits < real_bits ? -1 : 1;
  // Both have this many bits before the point: compare them from the highest down.
  double rest = real;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    const double scale = std::ldexp(1.0, static_cast<int>(64 * i));
    const Word limb = static_cast<Word>(rest / scale);  // exact: a power of two, and cut off
    if (limbs[i] != limb) return limbs[i] < limb ? -1 : 1;
    rest -= static_cast<double>(limb) * scale;
  }
  return rest > 0 ? -1 : 0;
}

int compare_integer_to_real(Word integer, double real) noexcept {
  const Integral exact(integer);
  const Magnitude& x = exact.value();
  if (x.limbs.empty()) return real > 0 ? -1 : real < 0 ? 1 : 0;
  if (x.negative != (real < 0)) return x.negative ? -1 : 1;
  const int by_magnitude = compare_limbs_to_real(x.limbs, std::fabs(real));
  return x.negative ? -by_magnitude : by_magnitude;
}

Word make_limb(ErlNifEnv& env, bool negative, Word limb) {
  Word* const header = env.words(2);
  header[0] = make_header(negative ? Kind::kNegative : Kind::kPositive, 1);
  header[1] = limb;
  return make_boxed(header);
}

}  // namespace

bool is_integer(Word term) noexcept {
  return is_small(term) || is(term, Kind::kPositive) || is(term, Kind::kNegative);
}

Word make_integer(ErlNifEnv& env, std::int64_t number) {
  if (fits_small(number)) return make_small(number);
  const bool negative = number < 0;
  return make_limb(env, negative,
                   negative ? -static_cast<Word>(number) : static_cast<Word>(number));
}

Word make_integer(ErlNifEnv& env, std::uint64_t number) {
  if (number <= static_cast<std::uint64_t>(kMaxSmall)) {
    return make_small(static_cast<std::int64_t>(number));
  }
  return make_limb(env, false, number);
}

Word make_integer(ErlNifEnv& env, bool negative, std::span<const unsigned char> magnitude) {
  std::size_t size = magnitude.size();
  while (size > 0 && magnitude[size - 1] == 0) --size;
  if (size <= sizeof(Word)) {
    Word limb = 0;
    if (size > 0) std::memcpy(&limb, magnitude.data(), size);
    if (!negative) return make_integer(env, std::uint64_t{limb});
    if (limb <= kMinInt64Magnitude) return make_integer(env, static_cast<std::int64_t>(-limb));
    return make_limb(env, true, limb);
  }
  const std::size_t limbs = words_for(size);
  Word* const header = env.words(1 + limbs);
  header[0] = make_header(negative ? Kind::kNegative : Kind::kPositive, limbs);
  header[limbs] = 0;
  std::memcpy(header + 1, magnitude.data(), size);
  return make_boxed(header);
}

std::optional<std::int64_t> get_int64(Word term) noexcept {
  if (is_small(term)) return small_of(term);
  if (is(term, Kind::kPositive) && limbs_of(term).size() == 1) {
    const Word limb = limbs_of(term)[0];
    if (limb < kMinInt64Magnitude) return static_cast<std::int64_t>(limb);
  } else if (is(term, Kind::kNegative) && limbs_of(term).size() == 1) {
    const Word limb = limbs_of(term)[0];
    if (limb <= kMinInt64Magnitude) return static_cast<std::int64_t>(-limb);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> get_uint64(Word term) noexcept {
  if (is_small(term) && small_of(term) >= 0) return static_cast<std::uint64_t>(small_of(term));
  if (is(term, Kind::kPositive) && limbs_of(term).size() == 1) return limbs_of(term)[0];
  return std::nullopt;
}

int compare_numbers(Word a, Word b) noexcept {
  const bool a_is_float = is(a, Kind::kFloat);
  const bool b_is_float = is(b, Kind::kFloat);
  if (a_is_float && b_is_float) {
    const double x = float_of(a);
    const double y = float_of(b);
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a_is_float) return -compare_integer_to_real(b, float_of(a));
  if (b_is_float) return compare_integer_to_real(a, float_of(b));
  return compare_integers(a, b);
}

}  // namespace ep::terms
