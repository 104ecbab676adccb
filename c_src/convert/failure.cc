#include "convert/failure.h"

#include <algorithm>
#include <new>

#include "beam/binary.h"
#include "convert/codec.h"
#include "cpython/error.h"

namespace ep::convert {
namespace {

// Of a longer path, the steps nearest the root and nearest the element are shown.
constexpr std::size_t kOuterSteps = 16;
constexpr std::size_t kInnerSteps = 8;
constexpr std::size_t kMaxErrorText = 500;

struct WhyText {
  ERL_NIF_TERM Atoms::*atom;
  const char* text;
};

WhyText why_text(Why why) noexcept {
  switch (why) {
    case Why::kImproperList:
      return {&Atoms::improper_list, "an improper list has no counterpart in Python"};
    case Why::kBitstring:
      return {&Atoms::bitstring, "a bitstring that is no binary has no counterpart in Python"};
    case Why::kNotUtf8:
      return {&Atoms::not_utf8, "the binary is not UTF-8, and a str was asked for"};
    case Why::kLoneSurrogate:
      return {&Atoms::lone_surrogate, "a str with a lone surrogate has no UTF-8 form"};
    case Why::kUnhashableKey:
      return {&Atoms::unhashable_key, "a list or map can't be a key of a dict"};
    case Why::kDuplicateKey:
      return {&Atoms::duplicate_key, "two keys become the same key"};
    case Why::kTooDeep:
      return {&Atoms::too_deep, "nested too deeply, or in itself"};
    case Why::kTooLarge:
      return {&Atoms::too_large, "larger than the Erlang VM allows"};
    case Why::kChanged:
      return {&Atoms::changed, "changed while it was converted"};
    case Why::kOtherInterpreter:
      return {&Atoms::other_interpreter, "the object belongs to another Python interpreter"};
    case Why::kUnknownType:
      return {&Atoms::unknown_type, "a kind of term that this version does not know"};
    case Why::kNoObject:
      return {&Atoms::no_object, "the reference is to no Python object, or to one that has gone"};
    case Why::kNone:
    case Why::kNoMemory:
    case Why::kPythonError:
      break;
  }
  return {&Atoms::no_memory, "out of memory"};
}

/// Calls `show` for the steps of a path from the root, and `skip` where some are left out.
template <class Steps, class Show, class Skip>
void walk(const Steps& innermost_first, Show show, Skip skip) {
  const std::size_t count = innermost_first.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (count > kOuterSteps + kInnerSteps && i == kOuterSteps) {
      skip();
      i = count - kInnerSteps;
    }
    show(innermost_first[count - 1 - i]);
  }
}

PyRef decode(const std::string& text) noexcept {
  return PyRef::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

ERL_NIF_TERM key_term(ErlNifEnv* env, const ShownKey& key) {
  if (const auto* number = std::get_if<std::int64_t>(&key)) return enif_make_int64(env, *number);
  if (const auto* atom = std::get_if<AtomKey>(&key)) return atom->atom;
  return make_binary(env, std::get<std::string>(key));
}

PyRef key_object(const ShownKey& key) {
  if (const auto* number = std::get_if<std::int64_t>(&key)) {
    return PyRef::steal(PyLong_FromLongLong(*number));
  }
  const auto* atom = std::get_if<AtomKey>(&key);
  return decode(atom != nullptr ? atom->name : std::get<std::string>(key));
}

std::string key_text(const ShownKey& key) {
  if (const auto* number = std::get_if<std::int64_t>(&key)) return std::to_string(*number);
  const auto* atom = std::get_if<AtomKey>(&key);
  return "'" + (atom != nullptr ? atom->name : std::get<std::string>(key)) + "'";
}

constexpr const char* kKindNames[] = {"index", "key", "map_key"};

}  // namespace

void Failure::set_from_python(const Attached& py) noexcept {
  const PyRef error = take_error(py);
  why_ = Why::kNoMemory;
  if (!error || PyErr_GivenExceptionMatches(error.get(), PyExc_MemoryError)) return;
  try {
    text_ = describe_exception(py, error.get(), kMaxErrorText);
    why_ = Why::kPythonError;
  } catch (const std::bad_alloc&) {
  }
}

void Failure::add(Step::Kind kind, ShownKey at) noexcept {
  try {
    steps_.push_back({kind, std::move(at)});
  } catch (const std::bad_alloc&) {
    // A path with a step missing is better than none.
  }
}

void Failure::in_element(std::size_t position) noexcept {
  add(Step::kElement, static_cast<std::int64_t>(position));
}
void Failure::in_value_of(ShownKey key) noexcept { add(Step::kValue, std::move(key)); }
void Failure::in_key(ShownKey key) noexcept { add(Step::kKey, std::move(key)); }

ERL_NIF_TERM Failure::why_term(ErlNifEnv* env, const Atoms& atoms) const {
  if (why_ == Why::kPythonError) return make_binary(env, text_);
  return atoms.*why_text(why_).atom;
}

ERL_NIF_TERM Failure::step_term(ErlNifEnv* env, const Atoms& atoms, const Step& step) const {
  const ERL_NIF_TERM kinds[] = {atoms.index, atoms.key, atoms.map_key};
  return enif_make_tuple2(env, kinds[step.kind], key_term(env, step.at));
}

ERL_NIF_TERM Failure::reason(ErlNifEnv* env, const Atoms& atoms) const noexcept {
  ERL_NIF_TERM steps[kOuterSteps + 1 + kInnerSteps];
  unsigned count = 0;
  walk(
      steps_, [&](const Step& step) { steps[count++] = step_term(env, atoms, step); },
      [&] { steps[count++] = atoms.ellipsis; });
  return enif_make_tuple3(env, atoms.conversion, enif_make_list_from_array(env, steps, count),
                          why_term(env, atoms));
}

std::string Failure::text() const {
  std::string path;
  walk(
      steps_,
      [&](const Step& step) {
        path += (step.kind == Step::kKey ? "[key " : "[") + key_text(step.at) + "]";
      },
      [&] { path += "[...]"; });
  return "cannot convert " + (path.empty() ? "it" : "the element at " + path) + ": " +
         (why_ == Why::kPythonError ? text_ : why_text(why_).text);
}

PyRef Failure::text_object(const Attached&) const { return decode(text()); }

PyRef Failure::path_object(const Attached&) const {
  PyRef path = PyRef::steal(PyList_New(0));
  bool ok = static_cast<bool>(path);
  const auto append = [&](const PyRef& step) {
    ok = ok && step && PyList_Append(path.get(), step.get()) == 0;
  };
  walk(
      steps_,
      [&](const Step& step) {
        const PyRef at = key_object(step.at);
        if (at) {
          append(PyRef::steal(Py_BuildValue("(sO)", kKindNames[step.kind], at.get())));
        } else {
          ok = false;
        }
      },
      [&] { append(PyRef::steal(PyUnicode_FromString("..."))); });
  return ok ? path : PyRef();
}

void Failure::raise(const Attached& py, Codec& codec) const noexcept {
  try {
    if (why_ == Why::kNoMemory) throw std::bad_alloc();
    const PyRef type = codec.error_type(py, "ConversionError");
    if (!type) return;
    const PyRef message = text_object(py);
    const PyRef path = path_object(py);
    if (!message || !path) return;
    const PyRef error =
        PyRef::steal(PyObject_CallFunctionObjArgs(type.get(), message.get(), path.get(), nullptr));
    if (error) PyErr_SetObject(type.get(), error.get());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
}

}  // namespace ep::convert
