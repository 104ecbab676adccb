// Pids, ports, references and funs: of some node, and kept as the external format has them, since
// nothing can be done with them here but to hand them back.
#pragma once

#include <string>

#include "terms/reader.h"

namespace ep::terms {

/// Reads what follows `tag`; false if that begins none of these. Throws Malformed.
bool skip_foreign(Reader& reader, std::uint8_t tag);

ErlNifTermType foreign_type(Bytes external) noexcept;

/// <name@host.123.0>, #Ref<name@host.1.2.3>, #Port<name@host.4>, #Fun<module.index>, fun m:f/1
std::string show_foreign(Bytes external);

}  // namespace ep::terms
