// NIF resources as C++ objects: T lives inside the resource's memory, and its destructor runs, on
// whatever thread drops the last term or reference, often a scheduler: it must not touch Python.
#pragma once

#include <erl_nif.h>

#include <new>
#include <utility>

namespace ep {

/// Owns one reference to a resource that holds a T.
template <class T>
class ResourceRef {
 public:
  ResourceRef() = default;
  static ResourceRef adopt(T* object) noexcept {
    ResourceRef ref;
    ref.object_ = object;
    return ref;
  }
  static ResourceRef share(T* object) noexcept {
    if (object != nullptr) enif_keep_resource(object);
    return adopt(object);
  }
  ResourceRef(ResourceRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ResourceRef(const ResourceRef& other) noexcept : ResourceRef(share(other.object_)) {}
  ResourceRef& operator=(ResourceRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ResourceRef() {
    if (object_ != nullptr) enif_release_resource(object_);
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
  ERL_NIF_TERM term(ErlNifEnv* env) const { return enif_make_resource(env, object_); }

 private:
  T* object_ = nullptr;
};

/// The registration of T as a resource type. T may define
///   static void down(ErlNifEnv*, T*, ErlNifPid*, ErlNifMonitor*)   a monitored process died
///   static void stop(ErlNifEnv*, T*, ErlNifEvent, int is_direct)   enif_select was stopped
template <class T>
class ResourceType {
 public:
  /// In a NIF library's load or upgrade callback only.
  bool open(ErlNifEnv* env, const char* name) noexcept {
    ErlNifResourceTypeInit init{};
    init.dtor = [](ErlNifEnv*, void* object) { static_cast<T*>(object)->~T(); };
    if constexpr (requires { &T::down; }) {
      init.down = [](ErlNifEnv* e, void* object, ErlNifPid* pid, ErlNifMonitor* monitor) {
        T::down(e, static_cast<T*>(object), pid, monitor);
      };
    }
    if constexpr (requires { &T::stop; }) {
      init.stop = [](ErlNifEnv* e, void* object, ErlNifEvent event, int is_direct) {
        T::stop(e, static_cast<T*>(object), event, is_direct);
      };
    }
    type_ = enif_open_resource_type_x(
        env, name, &init, static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER),
        nullptr);
    return type_ != nullptr;
  }

  /// In a NIF, once: the type outlives the library's unloading, since a resource of it does. So its
  /// terms stay good whichever load of the library meets them.
  void keep() const {
    if (enif_alloc_resource(type_, 1) == nullptr) throw std::bad_alloc();
  }

  template <class... Args>
  ResourceRef<T> make(Args&&... args) const {
    void* memory = enif_alloc_resource(type_, sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    return ResourceRef<T>::adopt(new (memory) T(std::forward<Args>(args)...));
  }

  /// Borrowed, or null if `term` is not one of these.
  T* get(ErlNifEnv* env, ERL_NIF_TERM term) const noexcept {
    void* object = nullptr;
    return enif_get_resource(env, term, type_, &object) ? static_cast<T*>(object) : nullptr;
  }

 private:
  ErlNifResourceType* type_ = nullptr;
};

}  // namespace ep
