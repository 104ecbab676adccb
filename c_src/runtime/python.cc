#include "runtime/python.h"

#include <dlfcn.h>
#include <malloc.h>

#include <utility>

#include "base/scope_guard.h"
#include "cpython/ref.h"
#include "runtime/sandbox.h"
#include "runtime/unraisable.h"

namespace ep {
namespace {

std::string text(const PyStatus& status) {
  return std::string(status.func != nullptr ? status.func : "Python") + ": " +
         (status.err_msg != nullptr ? status.err_msg : "initialization failed");
}

/// The error that is set, as "Type: message"; clears it.
std::string take_error_text(const Attached&) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const PyRef owned[] = {PyRef::steal(type), PyRef::steal(value), PyRef::steal(traceback)};
  const PyRef shown = PyRef::steal(value != nullptr ? PyObject_Repr(value) : PyObject_Repr(type));
  const char* utf8 = shown ? PyUnicode_AsUTF8(shown.get()) : nullptr;
  PyErr_Clear();
  return utf8 != nullptr ? utf8 : "unknown Python error";
}

/// ERTS sets a trim threshold, which switches glibc's adaptive thresholds off: then each buffer of
/// 128 KiB or more, such as every socket.recv(2**18) makes, costs an mmap() and a munmap().
void keep_large_buffers() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

PyStatus initialize_python(const std::string& executable) {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  const OnExit clear([&] { PyConfig_Clear(&config); });
  config.parse_argv = 0;
  config.install_signal_handlers = 0;  // they are the VM's, until somebody asks for one
  PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, executable.c_str());
  if (PyStatus_Exception(status)) return status;
  status = PyConfig_SetBytesString(&config, &config.executable, executable.c_str());
  if (PyStatus_Exception(status)) return status;
  return Py_InitializeFromConfig(&config);
}

bool put_first_on_path(const std::string& directory) {
  PyObject* path = PySys_GetObject("path");  // borrowed
  const PyRef entry = PyRef::steal(PyUnicode_DecodeFSDefault(directory.c_str()));
  return path != nullptr && entry && PyList_Insert(path, 0, entry.get()) == 0;
}

}  // namespace

Python::Python(Config config, std::function<void(std::string)> started) {
  const auto make = [&config](const char* name, Nanos max_spin) {
    Executor::Config its = config.executor;
    its.name = name;
    its.max_spin = max_spin;
    return std::make_shared<Executor>(std::move(its));
  };
  main_ = make("py_main", config.executor.max_spin);
  janitor_ = make("py_janitor", 0);  // nobody waits for these two
  undertaker_ = make("py_undertaker", 0);
  thread_ = Thread("py_main", [this, config = std::move(config), started = std::move(started)] {
    run(config, started);
  });
}

void Python::run(const Config& config, const std::function<void(std::string)>& started) {
  PyThreadState* thread_state = nullptr;
  if (std::string error = initialize(config, &thread_state); !error.empty()) {
    started(std::move(error));
    return;
  }
  interpreter_.janitor = janitor_.get();
  interpreter_.undertaker = undertaker_.get();
  try {
    janitor_->start(interpreter_);
    undertaker_->start(interpreter_);
  } catch (const std::exception& error) {
    started(std::string("can't start a thread: ") + error.what());
    return;
  }
  started({});
  main_->adopt(interpreter_, thread_state);
}

std::string Python::initialize(const Config& config, PyThreadState** thread_state) {
  keep_large_buffers();
  if (dlopen(config.libpython.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return std::string("can't make the symbols of libpython global: ") + dlerror();
  }
  if (config.sandbox && !enter_sandbox()) return "no memory for the sandbox";
  const PyStatus status = initialize_python(config.executable);
  if (PyStatus_Exception(status)) return text(status);
  interpreter_.state = PyInterpreterState_Get();
  *thread_state = PyEval_SaveThread();
  const AttachScope py(interpreter_, *thread_state);
  if (config.sandbox && !close_gaps_of_sandbox(py)) return take_error_text(py);
  const bool prepared = put_first_on_path(config.package_dir) && config.prepare(py);
  return prepared ? std::string() : take_error_text(py);
}

}  // namespace ep
