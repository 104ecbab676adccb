#include "beam/kept_term.h"

#include <array>
#include <bit>
#include <cstring>

namespace ep {
namespace {

using Word = std::uint64_t;

constexpr std::size_t kMostWords = 64;
constexpr int kMaxDepth = 8;

// Packed, a term is a word with its kind in the lowest bits and a count in the others, and then the
// words or terms that the count tells of.
enum class Kind : unsigned { kAtom, kInteger, kFloat, kPid, kBinary, kList, kTuple, kMap };
constexpr unsigned kKindBits = 3;

constexpr std::size_t words_for(std::size_t bytes) {
  return (bytes + sizeof(Word) - 1) / sizeof(Word);
}

class Packer {
 public:
  explicit Packer(ErlNifEnv* env) noexcept : env_(env) {}

  /// False: this one has to stay a term.
  bool pack(ERL_NIF_TERM term, int depth = 0) noexcept {
    if (depth > kMaxDepth) return false;
    switch (enif_term_type(env_, term)) {
      case ERL_NIF_TERM_TYPE_ATOM:
        return add(Kind::kAtom, term);
      case ERL_NIF_TERM_TYPE_INTEGER: {
        ErlNifSInt64 number;
        return enif_get_int64(env_, term, &number) &&
               add(Kind::kInteger, std::bit_cast<Word>(number));
      }
      case ERL_NIF_TERM_TYPE_FLOAT: {
        double number;
        return enif_get_double(env_, term, &number) &&
               add(Kind::kFloat, std::bit_cast<Word>(number));
      }
      case ERL_NIF_TERM_TYPE_PID: {
        ErlNifPid pid;
        return enif_get_local_pid(env_, term, &pid) && add(Kind::kPid, pid.pid);
      }
      case ERL_NIF_TERM_TYPE_BITSTRING:
        return binary(term);
      case ERL_NIF_TERM_TYPE_LIST:
        return list(term, depth);
      case ERL_NIF_TERM_TYPE_TUPLE:
        return tuple(term, depth);
      case ERL_NIF_TERM_TYPE_MAP:
        return map(term, depth);
      default:
        return false;
    }
  }

  std::unique_ptr<Word[]> take() const {
    auto packed = std::make_unique_for_overwrite<Word[]>(size_);
    std::memcpy(packed.get(), words_.data(), size_ * sizeof(Word));
    return packed;
  }

 private:
  bool head(Kind kind, std::size_t count, std::size_t words) noexcept {
    if (1 + words > kMostWords - size_) return false;
    words_[size_++] = count << kKindBits | static_cast<Word>(kind);
    return true;
  }

  bool add(Kind kind, Word word) noexcept {
    if (!head(kind, 1, 1)) return false;
    words_[size_++] = word;
    return true;
  }

  bool binary(ERL_NIF_TERM term) noexcept {
    ErlNifBinary binary;
    if (!enif_inspect_binary(env_, term, &binary)) return false;
    const std::size_t words = words_for(binary.size);
    if (binary.size > sizeof words_ || !head(Kind::kBinary, binary.size, words)) return false;
    std::memcpy(&words_[size_], binary.data, binary.size);
    size_ += words;
    return true;
  }

  bool list(ERL_NIF_TERM term, int depth) noexcept {
    unsigned length;
    if (!enif_get_list_length(env_, term, &length)) return false;
    if (!head(Kind::kList, length, length)) return false;
    ERL_NIF_TERM element;
    while (enif_get_list_cell(env_, term, &element, &term)) {
      if (!pack(element, depth + 1)) return false;
    }
    return true;
  }

  bool tuple(ERL_NIF_TERM term, int depth) noexcept {
    int arity;
    const ERL_NIF_TERM* elements;
    if (!enif_get_tuple(env_, term, &arity, &elements)) return false;
    const auto count = static_cast<std::size_t>(arity);
    if (!head(Kind::kTuple, count, count)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (!pack(elements[i], depth + 1)) return false;
    }
    return true;
  }

  bool map(ERL_NIF_TERM term, int depth) noexcept {
    std::size_t count;
    if (!enif_get_map_size(env_, term, &count) || count > kMostWords) return false;
    if (!head(Kind::kMap, count, 2 * count)) return false;
    ErlNifMapIterator pairs;
    if (!enif_map_iterator_create(env_, term, &pairs, ERL_NIF_MAP_ITERATOR_FIRST)) return false;
    ERL_NIF_TERM key, value;
    bool good = true;
    for (; good && enif_map_iterator_get_pair(env_, &pairs, &key, &value);
         enif_map_iterator_next(env_, &pairs)) {
      good = pack(key, depth + 1) && pack(value, depth + 1);
    }
    enif_map_iterator_destroy(env_, &pairs);
    return good;
  }

  ErlNifEnv* const env_;
  std::array<Word, kMostWords> words_;
  std::size_t size_ = 0;
};

class Unpacker {
 public:
  Unpacker(ErlNifEnv* env, const Word* words) noexcept : env_(env), next_(words) {}

  ERL_NIF_TERM term() noexcept {
    const Word head = *next_++;
    const std::size_t count = head >> kKindBits;
    switch (static_cast<Kind>(head & ((1U << kKindBits) - 1))) {
      case Kind::kAtom:
        return *next_++;
      case Kind::kInteger:
        return enif_make_int64(env_, std::bit_cast<ErlNifSInt64>(*next_++));
      case Kind::kFloat:
        return enif_make_double(env_, std::bit_cast<double>(*next_++));
      case Kind::kPid: {
        const ErlNifPid pid{*next_++};
        return enif_make_pid(env_, &pid);
      }
      case Kind::kBinary:
        return binary(count);
      case Kind::kList: {
        const Terms elements = terms(count);
        return enif_make_list_from_array(env_, elements.data(), static_cast<unsigned>(count));
      }
      case Kind::kTuple: {
        const Terms elements = terms(count);
        return enif_make_tuple_from_array(env_, elements.data(), static_cast<unsigned>(count));
      }
      case Kind::kMap:
        break;
    }
    return map(count);
  }

 private:
  // Each takes a word at least, so there are no more of them.
  using Terms = std::array<ERL_NIF_TERM, kMostWords>;

  Terms terms(std::size_t count) noexcept {
    Terms made;
    for (std::size_t i = 0; i < count; ++i) made[i] = term();
    return made;
  }

  ERL_NIF_TERM binary(std::size_t size) noexcept {
    ERL_NIF_TERM made;
    std::memcpy(enif_make_new_binary(env_, size, &made), next_, size);
    next_ += words_for(size);
    return made;
  }

  ERL_NIF_TERM map(std::size_t count) noexcept {
    Terms keys;
    Terms values;
    for (std::size_t i = 0; i < count; ++i) {
      keys[i] = term();
      values[i] = term();
    }
    ERL_NIF_TERM made;
    enif_make_map_from_arrays(env_, keys.data(), values.data(), count, &made);
    return made;
  }

  ErlNifEnv* const env_;
  const Word* next_;
};

}  // namespace

KeptTerm::KeptTerm(EnvPool& pool, ErlNifEnv* env, ERL_NIF_TERM term) {
  Packer packer(env);
  if (packer.pack(term)) {
    packed_ = packer.take();
  } else {
    env_ = EnvPool::Lease(pool);
    term_ = enif_make_copy(env_.get(), term);
  }
}

KeptTerm::Placed KeptTerm::in(ErlNifEnv* scratch) const {
  if (packed_) return {scratch, Unpacker(scratch, packed_.get()).term()};
  return {env_.get(), term_};
}

}  // namespace ep
