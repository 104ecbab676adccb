// What conversions add to the `_erlang` module.
#include <memory>

#include "convert/codec.h"
#include "cpython/slot.h"

namespace ep::convert {
namespace {

PyObject* atom(PyObject* module, PyObject* name) noexcept {
  return module_slot(
      module, [&](const Attached& py) { return py.interpreter().codec->find_atom(py, name); });
}

PyMethodDef kFunctions[] = {
    {"atom", atom, METH_O,
     "atom(name, /)\n--\n\n"
     "The Erlang atom of this name. ValueError if the Erlang side has no such atom."},
    {},
};

}  // namespace

bool add_to_module(const Attached& py, PyObject* module, const BeamContext& beam) noexcept {
  return translate_errors(py, [&] {
    Interpreter& interpreter = py.interpreter();
    auto made = std::make_unique<Codec>(py, module, beam, interpreter.drops);
    interpreter.add(interpreter.codec, std::move(made)).publish(py, module);
    if (PyModule_AddFunctions(module, kFunctions) < 0) throw PythonError();
  });
}

}  // namespace ep::convert
