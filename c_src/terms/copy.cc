#include "terms/copy.h"

#include <algorithm>

#include "terms/binary.h"
#include "terms/map.h"
#include "terms/work_stack.h"

namespace ep::terms {
namespace {

class Copier {
 public:
  explicit Copier(ErlNifEnv& to) noexcept : to_(to) {}

  Word run(Word term) {
    Word made;
    add(term, &made);
    while (!todo_.empty()) {
      const Item item = todo_.pop();
      *item.place = is_cell(item.term) ? list(item.term) : boxed(item.term, pointer_of(item.term));
    }
    return made;
  }

 private:
  struct Item {
    Word term;
    Word* place;
  };

  void add(Word term, Word* place) {
    if (is_immediate(term))
      *place = term;
    else
      todo_.push({term, place});
  }

  Word list(Word list) {
    std::size_t count = 0;
    for (Word rest = list; is_cell(rest); rest = pointer_of(rest)[1]) ++count;
    Word* const cells = to_.words(2 * count);
    Word* cell = cells;
    for (; is_cell(list); list = pointer_of(list)[1], cell += 2) {
      add(pointer_of(list)[0], cell);
      cell[1] = make_pointer(Tag::kCell, cell + 2);
    }
    add(list, cell - 1);  // in place of a pointer past the last cell
    return make_pointer(Tag::kCell, cells);
  }

  Word boxed(Word term, Word* header) {
    switch (kind_of(header)) {
      case Kind::kTuple:
        return tuple(header);
      case Kind::kMap:
        return map(Map(term));
      case Kind::kFloat:
        return words(header, 2);
      case Kind::kPositive:
      case Kind::kNegative:
        return words(header, 1 + count_of(header));
      case Kind::kBinary:
      case Kind::kForeign:
        return words(header, 1 + words_for(count_of(header)));
      case Kind::kBits:
        return words(header, 2 + words_for(count_of(header)));
      case Kind::kSharedBinary:
        return make_shared_binary(to_, off_heap_of(header)->resource, bytes_of_binary(term));
      case Kind::kResource:
        break;
    }
    return make_resource(to_, off_heap_of(header)->resource);
  }

  Word words(const Word* header, std::size_t count) {
    Word* const made = to_.words(count);
    std::copy_n(header, count, made);
    return make_boxed(made);
  }

  Word tuple(const Word* header) {
    const std::size_t arity = count_of(header);
    Word* const made = to_.words(1 + arity);
    *made = *header;
    for (std::size_t i = 1; i <= arity; ++i) add(header[i], made + i);
    return make_boxed(made);
  }

  Word map(const Map& map) {
    Word* pairs;
    const Word made = copy_map(to_, map, &pairs);
    for (std::size_t i = 0; i < 2 * map.size(); ++i) add(map.pairs()[i], pairs + i);
    return made;
  }

  ErlNifEnv& to_;
  WorkStack<Item> todo_;
};

}  // namespace

Word copy(ErlNifEnv& to, Word term) { return is_immediate(term) ? term : Copier(to).run(term); }

Word make_resource(ErlNifEnv& env, Resource* resource) {
  Word* const header = env.words(1 + kOffHeapWords);
  header[0] = make_header(Kind::kResource, 0);
  env.keep(header, resource);
  return make_boxed(header);
}

}  // namespace ep::terms
