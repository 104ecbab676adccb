// The enif_ functions for resources, for binaries that are no terms, and for the external format.
#include <cstdlib>
#include <deque>
#include <mutex>
#include <new>

#include "terms/copy.h"
#include "terms/external.h"

using namespace ep::terms;  // NOLINT(google-build-using-namespace): all of it is theirs

namespace {

/// Types live as long as the process, as they do in a VM whose library is never unloaded.
ErlNifResourceType* make_resource_type(const char* name, ErlNifResourceDtor* destructor) {
  struct Types {
    std::mutex mutex;
    std::deque<ErlNifResourceType> all;
  };
  static Types& types = *new Types;
  const std::lock_guard lock(types.mutex);
  return &types.all.emplace_back(ErlNifResourceType{name, destructor});
}

}  // namespace

extern "C" {

/// Nothing is ever monitored or selected here, so only its destructor is looked at.
ErlNifResourceType* enif_open_resource_type_x(ErlNifEnv*, const char* name,
                                              const ErlNifResourceTypeInit* init,
                                              ErlNifResourceFlags, ErlNifResourceFlags* tried) {
  if (tried != nullptr) *tried = ERL_NIF_RT_CREATE;
  return make_resource_type(name, init->dtor);
}

void* enif_alloc_resource(ErlNifResourceType* type, std::size_t size) {
  try {
    return Resource::make(type, size)->object();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void enif_keep_resource(void* object) { Resource::of(object)->keep(); }
void enif_release_resource(void* object) { Resource::of(object)->release(); }

Word enif_make_resource(ErlNifEnv* env, void* object) {
  return make_resource(*env, Resource::of(object));
}

int enif_get_resource(ErlNifEnv*, Word term, ErlNifResourceType* type, void** object) {
  if (!is(term, Kind::kResource)) return 0;
  Resource* const resource = off_heap_of(pointer_of(term))->resource;
  if (resource->type() != type) return 0;
  *object = resource->object();
  return 1;
}

int enif_alloc_binary(std::size_t size, ErlNifBinary* binary) {
  *binary = {};
  binary->data = static_cast<unsigned char*>(std::malloc(size == 0 ? 1 : size));
  binary->size = size;
  return binary->data != nullptr;
}

void enif_release_binary(ErlNifBinary* binary) { std::free(std::exchange(binary->data, nullptr)); }

int enif_term_to_binary(ErlNifEnv*, Word term, ErlNifBinary* binary) {
  try {
    Buffer buffer;
    encode(term, buffer);
    *binary = {};
    binary->size = buffer.size();
    binary->data = buffer.take();
    return 1;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

std::size_t enif_binary_to_term(ErlNifEnv* env, const unsigned char* data, std::size_t size,
                                Word* term, unsigned options) {
  const bool is_safe = (options & ERL_NIF_BIN2TERM_SAFE) != 0;
  try {
    return decode(*env, {data, size}, is_safe ? Atoms::kExistingOnly : Atoms::kMake, term);
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

}  // extern "C"
