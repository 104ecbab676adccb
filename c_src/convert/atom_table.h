// AtomTable: the Python objects of the atoms that one interpreter has seen, found by term.
//
// Open addressing with linear probing, at most half full. Entries are never removed: atoms are not
// either. The caller sees to it that one thread at a time is in here; nothing here runs Python
// code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "beam/env.h"
#include "cpython/ref.h"

namespace ep::convert {

class AtomTable {
 public:
  struct Entry {
    ERL_NIF_TERM atom = 0;  // 0, which no atom is, marks a free slot
    PyRef name;             // interned str
    PyRef object;           // what the atom converts to: erlang.Atom, True, False or None
  };

  /// Null if the atom has not been seen. Valid until the next insert().
  Entry* find(ERL_NIF_TERM atom) noexcept {
    Entry& entry = slot(atom);
    return entry.atom == atom ? &entry : nullptr;
  }

  /// Throws std::bad_alloc.
  Entry& insert(ERL_NIF_TERM atom, PyRef name, PyRef object) {
    if ((used_ + 1) * 2 > entries_.size()) grow();
    ++used_;
    return slot(atom) = Entry{atom, std::move(name), std::move(object)};
  }

 private:
  // Atoms' terms differ in their middle bits; multiplying moves the difference to the top.
  std::size_t home(ERL_NIF_TERM atom) const noexcept {
    return static_cast<std::size_t>((std::uint64_t{atom} * 0x9E3779B97F4A7C15u) >> shift_);
  }

  Entry& slot(ERL_NIF_TERM atom) noexcept {
    std::size_t i = home(atom);
    while (entries_[i].atom != atom && entries_[i].atom != 0) i = (i + 1) & (entries_.size() - 1);
    return entries_[i];
  }

  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    --shift_;
    for (Entry& entry : old) {
      if (entry.atom != 0) slot(entry.atom) = std::move(entry);
    }
  }

  int shift_ = 64 - 8;
  std::vector<Entry> entries_ = std::vector<Entry>(std::size_t{1} << 8);
  std::size_t used_ = 0;
};

}  // namespace ep::convert
