#include "task/services.h"

#include "task/delivery_type.h"

namespace ep::task {
namespace {

struct Interned {
  PyObject* PythonNames::*member;
  const char* text;
};

constexpr Interned kInterned[] = {
    {&PythonNames::add_done_callback, "add_done_callback"},
    {&PythonNames::cancel, "cancel"},
    {&PythonNames::create_task, "create_task"},
    {&PythonNames::eval_file, "<eval>"},
    {&PythonNames::initializing, "_initializing"},
    {&PythonNames::inline_, "inline"},
    {&PythonNames::name, "name"},
    {&PythonNames::qualname, "__qualname__"},
    {&PythonNames::result, "result"},
    {&PythonNames::take, "take"},
    {&PythonNames::spec, "__spec__"},
};

struct Imported {
  PyObject* PythonNames::*member;
  const char* module;
  const char* attribute;
};

constexpr Imported kImported[] = {
    {&PythonNames::new_loop, "erlang._hosted", "new_loop"},
    {&PythonNames::finish_loop, "erlang._hosted", "finish_loop"},
    {&PythonNames::is_empty, "erlang._hosted", "is_empty"},
    {&PythonNames::application_stopped, "erlang._hosted", "application_stopped"},
    {&PythonNames::node_ended, "erlang._hosted", "node_ended"},
    {&PythonNames::current_task, "asyncio", "current_task"},
    {&PythonNames::get_running_loop, "_asyncio", "_get_running_loop"},
    {&PythonNames::set_running_loop, "_asyncio", "_set_running_loop"},
#if PY_VERSION_HEX >= 0x030C0000
    {&PythonNames::swap_current_task, "_asyncio", "_swap_current_task"},
#endif
    {&PythonNames::get_asyncgen_hooks, "sys", "get_asyncgen_hooks"},
    {&PythonNames::set_asyncgen_hooks, "sys", "set_asyncgen_hooks"},
    {&PythonNames::run_nested, "erlang._hosted", "run_nested"},
    {&PythonNames::ensure_future, "erlang._hosted", "ensure_future"},
    {&PythonNames::schedule_marker, "erlang._schedule", "ScheduleMarker"},
    {&PythonNames::interrupted, "erlang._errors", "Interrupted"},
    {&PythonNames::keep_source, "erlang._sources", "keep"},
    {&PythonNames::main_dict, "__main__", "__dict__"},
};

}  // namespace

bool prepare_names(const Attached& py, Services& services, PyObject* module) {
  PythonNames& names = services.names;
  for (const Interned& interned : kInterned) {
    names.*interned.member = PyUnicode_InternFromString(interned.text);
    if (names.*interned.member == nullptr) return false;
  }
  for (const Imported& imported : kImported) {
    const PyRef from = PyRef::steal(PyImport_ImportModule(imported.module));
    if (!from) return false;
    names.*imported.member = PyObject_GetAttrString(from.get(), imported.attribute);
    if (names.*imported.member == nullptr) return false;
  }
  names.create_task_keywords = PyTuple_Pack(1, names.name);
  names.no_asyncgen_hooks = PyTuple_Pack(2, Py_None, Py_None);
  if (names.create_task_keywords == nullptr || names.no_asyncgen_hooks == nullptr) return false;
  names.delivery = make_delivery_type(py, module);
  names.delivery_variable = PyContextVar_New("erlang_delivery", nullptr);
  return names.delivery != nullptr && names.delivery_variable != nullptr;
}

}  // namespace ep::task
