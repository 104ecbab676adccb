// What the net layer puts into the `_erlang` module: load_transports(), which adds the types
// _ErlangSocketTransport, _ErlangDatagramTransport, TransportTable and Acceptor.
#pragma once

#include "cpython/module_state.h"

namespace ep::net {

/// In the module's exec slot. False: Python error set; free_part() still has to be called.
bool add_to_module(const Attached& py, PyObject* module, ModuleState& state);

// For the module's m_traverse, m_clear and m_free. All accept a state without this part.
int traverse_part(const ModuleState& state, visitproc visit, void* arg);
void clear_part(ModuleState& state);
void free_part(ModuleState& state);

}  // namespace ep::net
