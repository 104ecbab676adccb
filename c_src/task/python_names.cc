#include "task/python_names.h"

#include "cpython/slot.h"
#include "task/delivery_type.h"

namespace ep::task {

PythonNames::PythonNames(const Attached& py, PyObject* module)
    : create_task_keywords(or_throw(PyTuple_Pack(1, name.get()))),
      delivery(or_throw(make_delivery_type(py, module))),
      delivery_variable(or_throw(PyContextVar_New("erlang_delivery", nullptr))) {}

bool add_names(const Attached& py, PyObject* module) noexcept {
  return translate_errors(py, [&] {
    py.interpreter().add(py.interpreter().names, std::make_unique<PythonNames>(py, module));
  });
}

}  // namespace ep::task
