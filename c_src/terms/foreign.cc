#include "terms/foreign.h"

#include <vector>

#include "terms/atom_table.h"
#include "terms/tags.h"

namespace ep::terms {
namespace {

constexpr std::size_t kMostReferenceWords = 5;
constexpr std::size_t kNewFunHeader = 4 + 1 + 16 + 4 + 4;  // with its size, which counts itself

/// An atom's text, in UTF-8.
std::string atom(Reader& reader) {
  switch (static_cast<Ext>(reader.u8())) {
    case Ext::kAtom:
      return utf8_of_latin1(reader.text(reader.u16()));
    case Ext::kSmallAtom:
      return utf8_of_latin1(reader.text(reader.u8()));
    case Ext::kAtomUtf8:
      return std::string(reader.text(reader.u16()));
    case Ext::kSmallAtomUtf8:
      return std::string(reader.text(reader.u8()));
    default:
      throw Malformed{};
  }
}

void skip_atom(Reader& reader) {
  switch (static_cast<Ext>(reader.u8())) {
    case Ext::kAtom:
    case Ext::kAtomUtf8:
      reader.take(reader.u16());
      return;
    case Ext::kSmallAtom:
    case Ext::kSmallAtomUtf8:
      reader.take(reader.u8());
      return;
    default:
      throw Malformed{};
  }
}

void skip_reference(Reader& reader, std::size_t creation_size) {
  const std::size_t words = reader.u16();
  if (words == 0 || words > kMostReferenceWords) throw Malformed{};
  skip_atom(reader);
  reader.take(creation_size + 4 * words);
}

void skip_fun(Reader& reader) {
  const std::size_t size = reader.u32();
  if (size < kNewFunHeader) throw Malformed{};
  reader.take(size - 4);
}

void skip_export(Reader& reader) {
  skip_atom(reader);
  skip_atom(reader);
  if (static_cast<Ext>(reader.u8()) != Ext::kSmallInteger) throw Malformed{};
  reader.take(1);
}

std::string dotted(const std::vector<std::uint64_t>& numbers) {
  std::string text;
  for (const std::uint64_t number : numbers) text += "." + std::to_string(number);
  return text;
}

std::string show_reference(Reader& reader, std::size_t creation_size) {
  std::vector<std::uint64_t> words(reader.u16());
  const std::string node = atom(reader);
  reader.take(creation_size);
  // The least significant comes first there, and last here.
  for (auto word = words.rbegin(); word != words.rend(); ++word) *word = reader.u32();
  return "#Ref<" + node + dotted(words) + ">";
}

std::string show_fun(Reader& reader) {
  reader.take(kNewFunHeader);
  const std::string module = atom(reader);
  const auto tag = static_cast<Ext>(reader.u8());
  const std::uint32_t index = tag == Ext::kSmallInteger ? reader.u8() : reader.u32();
  return "#Fun<" + module + dotted({index}) + ">";
}

std::string show_export(Reader& reader) {
  const std::string module = atom(reader);
  const std::string function = atom(reader);
  reader.take(1);
  return "fun " + module + ":" + function + "/" + std::to_string(reader.u8());
}

std::string show(Reader& reader) {
  switch (static_cast<Ext>(reader.u8())) {
    case Ext::kPid:
    case Ext::kNewPid: {
      const std::string node = atom(reader);
      const std::uint64_t number = reader.u32();
      return "<" + node + dotted({number, reader.u32()}) + ">";
    }
    case Ext::kPort:
    case Ext::kNewPort: {
      const std::string node = atom(reader);
      return "#Port<" + node + dotted({reader.u32()}) + ">";
    }
    case Ext::kV4Port: {
      const std::string node = atom(reader);
      return "#Port<" + node + dotted({reader.u64()}) + ">";
    }
    case Ext::kNewReference:
      return show_reference(reader, 1);
    case Ext::kNewerReference:
      return show_reference(reader, 4);
    case Ext::kReference: {
      const std::string node = atom(reader);
      return "#Ref<" + node + dotted({reader.u32()}) + ">";
    }
    case Ext::kNewFun:
      return show_fun(reader);
    case Ext::kExport:
      return show_export(reader);
    default:
      throw Malformed{};
  }
}

}  // namespace

bool skip_foreign(Reader& reader, std::uint8_t tag) {
  switch (static_cast<Ext>(tag)) {
    case Ext::kPid:
      skip_atom(reader);
      reader.take(4 + 4 + 1);
      return true;
    case Ext::kNewPid:
      skip_atom(reader);
      reader.take(4 + 4 + 4);
      return true;
    case Ext::kPort:
    case Ext::kReference:
      skip_atom(reader);
      reader.take(4 + 1);
      return true;
    case Ext::kNewPort:
      skip_atom(reader);
      reader.take(4 + 4);
      return true;
    case Ext::kV4Port:
      skip_atom(reader);
      reader.take(8 + 4);
      return true;
    case Ext::kNewReference:
      skip_reference(reader, 1);
      return true;
    case Ext::kNewerReference:
      skip_reference(reader, 4);
      return true;
    case Ext::kNewFun:
      skip_fun(reader);
      return true;
    case Ext::kExport:
      skip_export(reader);
      return true;
    default:
      return false;
  }
}

ErlNifTermType foreign_type(Bytes external) noexcept {
  switch (static_cast<Ext>(external[0])) {
    case Ext::kPid:
    case Ext::kNewPid:
      return ERL_NIF_TERM_TYPE_PID;
    case Ext::kPort:
    case Ext::kNewPort:
    case Ext::kV4Port:
      return ERL_NIF_TERM_TYPE_PORT;
    case Ext::kNewFun:
    case Ext::kExport:
      return ERL_NIF_TERM_TYPE_FUN;
    default:
      return ERL_NIF_TERM_TYPE_REFERENCE;
  }
}

std::string show_foreign(Bytes external) {
  Reader reader(external);
  try {
    return show(reader);
  } catch (Malformed) {  // inside of a fun, which is not looked into otherwise
    return "#Fun<>";
  }
}

}  // namespace ep::terms
