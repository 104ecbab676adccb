#include "task/invoke.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "beam/binary.h"
#include "beam/external.h"
#include "cpython/slot.h"
#include "task/python_names.h"

namespace ep::task {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The arguments of a call as a vectorcall wants them: an empty place, positionals, keyword values.
class Arguments {
 public:
  explicit Arguments(std::size_t count) {
    if (count + 1 > small_.size()) large_.resize(count + 1);
    data_ = large_.empty() ? small_.data() : large_.data();
  }
  ~Arguments() {
    for (std::size_t i = 1; i <= used_; ++i) Py_DECREF(data_[i]);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void add(PyRef value) noexcept { data_[++used_] = value.release(); }

  PyRef call(PyObject* function, std::size_t positional, PyObject* keywords) const {
    return PyRef::steal(PyObject_Vectorcall(function, data_ + 1,
                                            positional | PY_VECTORCALL_ARGUMENTS_OFFSET, keywords));
  }

 private:
  std::array<PyObject*, 8> small_;
  std::vector<PyObject*> large_;
  PyObject** data_;
  std::size_t used_ = 0;
};

/// One request on its way to a value. Each step returns null with `problem_` filled in.
class Invocation {
 public:
  Invocation(const Atoms& atoms, ErlNifEnv* env, const convert::Options& options, Problem& problem)
      : atoms_(atoms), env_(env), options_(options), problem_(problem) {}

  PyRef run(const Attached& py, ERL_NIF_TERM request) {
    int arity;
    const ERL_NIF_TERM* fields;
    if (!enif_get_tuple(env_, request, &arity, &fields)) return bad_request();
    if (fields[0] == atoms_.call && arity == 5) {
      const PyRef function = find_function(py, fields[1], fields[2]);
      return function ? call(py, function.get(), fields[3], fields[4]) : nullptr;
    }
    if (fields[0] == atoms_.eval && arity == 3) return eval(py, fields[1], fields[2]);
    if (fields[0] == atoms_.exec && arity == 2) return exec(py, fields[1]);
    if (fields[0] == atoms_.getattr && arity == 3) return getattr(py, fields[1], fields[2]);
    if (fields[0] == atoms_.call_method && arity == 5) {
      const PyRef method = getattr(py, fields[1], fields[2]);
      return method ? call(py, method.get(), fields[3], fields[4]) : nullptr;
    }
    return bad_request();
  }

 private:
  PyRef bad_request() {
    PyErr_SetString(PyExc_SystemError, "malformed request");
    return nullptr;
  }

  PyRef failed_conversion() {
    problem_.kind = Problem::Kind::kConversion;
    return nullptr;
  }

  PyRef name(const Attached& py, ERL_NIF_TERM term) {
    PyRef name = convert::codec_of(py).name(py, env_, term);
    if (!name) PyErr_SetString(PyExc_TypeError, "a name must be an atom or a UTF-8 binary");
    return name;
  }

  PyRef find_function(const Attached& py, ERL_NIF_TERM module_term, ERL_NIF_TERM function_term) {
    const PyRef module_name = name(py, module_term);
    const PyRef function_name = module_name ? name(py, function_term) : PyRef();
    if (!function_name) return nullptr;
    const PyRef module = import(py, module_name.get());
    PyRef function = module ? attribute(py, module.get(), function_name.get()) : PyRef();
    if (!function && (module ? PyErr_ExceptionMatches(PyExc_AttributeError)
                             : is_missing_module(py, module_name.get()))) {
      PyErr_Clear();
      problem_.kind = Problem::Kind::kNotFound;
      problem_.module = module_term;
      problem_.function = function_term;
    }
    return function;
  }

  PyRef import(const Attached& py, PyObject* name) {
    PyRef module = PyRef::steal(PyImport_GetModule(name));
    if (module && !is_initializing(py, module.get())) return module;
    if (!module && PyErr_Occurred()) return nullptr;
    // Imports it, or waits for the thread that is importing it.
    const PyRef top =
        PyRef::steal(PyImport_ImportModuleLevelObject(name, nullptr, nullptr, nullptr, 0));
    if (!top) return nullptr;
    module = PyRef::steal(PyImport_GetModule(name));
    if (!module && !PyErr_Occurred()) PyErr_SetObject(PyExc_ImportError, name);
    return module;
  }

  bool is_initializing(const Attached& py, PyObject* module) {
    const PyRef spec = PyRef::steal(PyObject_GetAttr(module, names_of(py).spec));
    if (spec.get() == Py_None)
      return false;  // __main__; an AttributeError would cost more than all
    const PyRef flag =
        spec ? PyRef::steal(PyObject_GetAttr(spec.get(), names_of(py).initializing)) : PyRef();
    if (!flag) PyErr_Clear();
    return flag && flag.get() == Py_True;
  }

  /// The error that is set says that `name` itself, or a package above it, is not there; one that
  /// is missing deeper in, for an import of that module's own, is an ordinary exception.
  bool is_missing_module(const Attached& py, PyObject* name) {
    if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) return false;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    const PyRef missing = PyRef::steal(PyObject_GetAttr(value, names_of(py).name));
    if (!missing) PyErr_Clear();
    bool is_missing = missing && PyUnicode_Check(missing.get()) &&
                      PyUnicode_Tailmatch(name, missing.get(), 0, PY_SSIZE_T_MAX, -1) == 1;
    const Py_ssize_t length = is_missing ? PyUnicode_GetLength(missing.get()) : 0;
    is_missing = is_missing &&
                 (length == PyUnicode_GetLength(name) || PyUnicode_ReadChar(name, length) == '.');
    PyErr_Restore(type, value, traceback);
    return is_missing;
  }

  /// object.a.b for "a.b".
  PyRef attribute(const Attached&, PyObject* object, PyObject* path) {
    const Py_ssize_t length = PyUnicode_GetLength(path);
    PyRef current = PyRef::borrow(object);
    for (Py_ssize_t start = 0; current;) {
      const Py_ssize_t dot = PyUnicode_FindChar(path, '.', start, length, 1);
      if (dot < 0 && start == 0) return PyRef::steal(PyObject_GetAttr(object, path));
      const PyRef part = PyRef::steal(PyUnicode_Substring(path, start, dot < 0 ? length : dot));
      if (!part) return nullptr;
      current = PyRef::steal(PyObject_GetAttr(current.get(), part.get()));
      if (dot < 0) break;
      start = dot + 1;
    }
    return current;
  }

  PyRef call(const Attached& py, PyObject* function, ERL_NIF_TERM positional,
             ERL_NIF_TERM keywords) {
    unsigned count;
    std::size_t keyword_count;
    if (!enif_get_list_length(env_, positional, &count)) {
      PyErr_SetString(PyExc_TypeError, "arguments must be a proper list");
      return nullptr;
    }
    if (!enif_get_map_size(env_, keywords, &keyword_count)) {
      PyErr_SetString(PyExc_TypeError, "keyword arguments must be a map");
      return nullptr;
    }
    Arguments arguments(count + keyword_count);
    if (!add_positional(py, arguments, positional)) return nullptr;
    if (keyword_count == 0) return arguments.call(function, count, nullptr);
    const PyRef names = add_keywords(py, arguments, keywords, keyword_count);
    return names ? arguments.call(function, count, names.get()) : nullptr;
  }

  bool add_positional(const Attached& py, Arguments& arguments, ERL_NIF_TERM list) {
    ERL_NIF_TERM head;
    for (std::size_t i = 0; enif_get_list_cell(env_, list, &head, &list); ++i) {
      PyRef value = convert(py, head);
      if (!value) {
        problem_.failure.in_element(i);
        return false;
      }
      arguments.add(std::move(value));
    }
    return true;
  }

  PyRef add_keywords(const Attached& py, Arguments& arguments, ERL_NIF_TERM map,
                     std::size_t count) {
    PyRef names = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    if (!names) return nullptr;
    const bool done = each_pair(py, map, [&](std::size_t i, PyRef key, PyRef value) {
      PyTuple_SET_ITEM(names.get(), static_cast<Py_ssize_t>(i), key.release());
      arguments.add(std::move(value));
      return true;
    });
    return done ? std::move(names) : PyRef();
  }

  /// Calls `take(index, name, value)` for each pair of a map whose keys are names.
  template <class Take>
  bool each_pair(const Attached& py, ERL_NIF_TERM map, Take&& take) {
    ErlNifMapIterator pairs;
    if (!enif_map_iterator_create(env_, map, &pairs, ERL_NIF_MAP_ITERATOR_FIRST)) {
      throw std::bad_alloc();
    }
    ERL_NIF_TERM key_term, value_term;
    bool good = true;
    for (std::size_t i = 0;
         good && enif_map_iterator_get_pair(env_, &pairs, &key_term, &value_term); ++i) {
      PyRef key = is_told_apart(map, key_term) ? name(py, key_term) : failed_conversion();
      PyRef value = key ? convert(py, value_term) : PyRef();
      if (key && !value) problem_.failure.in_value_of(std::string(PyUnicode_AsUTF8(key.get())));
      good = value && take(i, std::move(key), std::move(value));
      enif_map_iterator_next(env_, &pairs);
    }
    enif_map_iterator_destroy(env_, &pairs);
    return good;
  }

  /// False if `key`, a binary, is the same name as an atom among the map's keys.
  bool is_told_apart(ERL_NIF_TERM map, ERL_NIF_TERM key) {
    std::size_t size;
    if (enif_get_map_size(env_, map, &size) && size < 2) return true;
    const auto text = binary_view(env_, key);
    ERL_NIF_TERM atom, value;
    if (!text || !existing_atom(*text, &atom) || !enif_get_map_value(env_, map, atom, &value)) {
      return true;
    }
    problem_.failure.set(convert::Why::kDuplicateKey);
    problem_.failure.in_key(std::string(*text));
    return false;
  }

  PyRef convert(const Attached& py, ERL_NIF_TERM term) {
    PyRef value = convert::codec_of(py).to_object(py, env_, term, options_, problem_.failure);
    return value ? std::move(value) : failed_conversion();
  }

  /// Null with an error set if it is no code.
  std::optional<std::string> source(ERL_NIF_TERM code) {
    const auto text = binary_view(env_, code);
    if (!text) {
      PyErr_SetString(PyExc_TypeError, "code must be a UTF-8 binary or a string");
      return std::nullopt;
    }
    if (text->find('\0') != std::string_view::npos) {
      PyErr_SetString(PyExc_ValueError, "code contains a NUL byte");
      return std::nullopt;
    }
    return std::string(text->substr(text->starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0));
  }

  PyRef compile(const char* source, int start, PyObject* file) {
    // Text has no encoding to declare, as in Python's own exec().
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    return PyRef::steal(Py_CompileStringObject(source, file, start, &flags, -1));
  }

  PyRef exec(const Attached& py, ERL_NIF_TERM code) {
    const auto text = source(code);
    const PyRef file = text ? name_of_source(py, *text) : PyRef();
    const PyRef compiled = file ? compile(text->c_str(), Py_file_input, file.get()) : PyRef();
    PyObject* const scope = names_of(py).main_dict.get();
    const PyRef done =
        compiled ? PyRef::steal(PyEval_EvalCode(compiled.get(), scope, scope)) : PyRef();
    return done ? PyRef::borrow(Py_None) : nullptr;
  }

  /// Under which tracebacks find its lines.
  PyRef name_of_source(const Attached& py, const std::string& text) {
    const PyRef object = PyRef::steal(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
    if (!object) return nullptr;
    return PyRef::steal(PyObject_CallOneArg(names_of(py).keep_source, object.get()));
  }

  PyRef eval(const Attached& py, ERL_NIF_TERM code, ERL_NIF_TERM locals_term) {
    const auto text = source(code);
    if (!text) return nullptr;
    // As Python's own eval() has it.
    const std::size_t start = std::min(text->find_first_not_of(" \t"), text->size());
    const PyRef compiled = compile(text->c_str() + start, Py_eval_input, names_of(py).eval_file);
    if (!compiled) return nullptr;
    PyObject* const globals = names_of(py).main_dict.get();
    std::size_t count;
    if (!enif_get_map_size(env_, locals_term, &count)) {
      PyErr_SetString(PyExc_TypeError, "locals must be a map");
      return nullptr;
    }
    if (count == 0) return PyRef::steal(PyEval_EvalCode(compiled.get(), globals, globals));
    // One namespace, so that comprehensions and lambdas in the expression see the locals as well.
    const PyRef scope = PyRef::steal(PyDict_Copy(globals));
    if (!scope) return nullptr;
    const bool done =
        each_pair(py, locals_term, [&](std::size_t, const PyRef& key, const PyRef& value) {
          return PyDict_SetItem(scope.get(), key.get(), value.get()) == 0;
        });
    return done ? PyRef::steal(PyEval_EvalCode(compiled.get(), scope.get(), scope.get())) : nullptr;
  }

  PyRef getattr(const Attached& py, ERL_NIF_TERM object_term, ERL_NIF_TERM name_term) {
    const PyRef object = convert(py, object_term);
    if (object && convert::codec_of(py).is_ref(object.get())) {
      problem_.failure.set(convert::Why::kNoObject);
      return failed_conversion();
    }
    const PyRef path = object ? name(py, name_term) : PyRef();
    return path ? attribute(py, object.get(), path.get()) : nullptr;
  }

  const Atoms& atoms_;
  ErlNifEnv* const env_;
  const convert::Options& options_;
  Problem& problem_;
};

}  // namespace

PyRef invoke(const Attached& py, Services& services, ErlNifEnv* env, ERL_NIF_TERM request,
             const convert::Options& options, Problem& problem) {
  return Invocation(services.beam.atoms, env, options, problem).run(py, request);
}

}  // namespace ep::task
