// Dropping Python objects from threads that must not, or can't, attach: NIF resource destructors
// run on schedulers.
//
// DropQueue is one interpreter's list of references to give up; DeferredRef is a reference that
// goes there when it dies. Neither allocates on the dropping thread, so a drop can't fail.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/mailbox.h"
#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

class DeferredRef;

class DropQueue {
 public:
  /// `wake`, called on any thread when the queue becomes non-empty, gets somebody to drain(). Set
  /// it before the first reference is made. It must neither block nor touch Python.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  /// Attached to the queue's interpreter, one thread at a time: drops what is there. Finalizers
  /// run, so any Python code may. Returns the number of references dropped.
  int drain(const Attached&) noexcept;

  /// Any thread; exact for the draining one.
  bool empty() const noexcept { return dropped_.empty(); }

 private:
  friend class DeferredRef;
  struct Node : MailboxNode {
    PyObject* object;
    std::shared_ptr<DropQueue> queue;
  };
  void push(Node* node) noexcept;

  Mailbox<Node> dropped_;
  std::atomic<bool> woken_{false};  // wake_ was called since the last drain()
  std::function<void()> wake_;
};

/// Owns a reference to a Python object; may be moved and destroyed on any thread, attached or not.
class DeferredRef {
 public:
  DeferredRef() = default;
  /// Throws std::bad_alloc.
  DeferredRef(const Attached&, PyRef object, std::shared_ptr<DropQueue> queue)
      : node_(new DropQueue::Node{{}, nullptr, std::move(queue)}) {
    node_->object = object.release();
  }
  DeferredRef(DeferredRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  DeferredRef& operator=(DeferredRef&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  DeferredRef(const DeferredRef&) = delete;
  DeferredRef& operator=(const DeferredRef&) = delete;
  ~DeferredRef() {
    if (node_ != nullptr) node_->queue->push(node_);
  }

  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// Gives the reference out, past the queue; empty afterwards.
  PyRef take(const Attached&) noexcept {
    if (node_ == nullptr) return nullptr;
    PyRef object = PyRef::steal(node_->object);
    delete std::exchange(node_, nullptr);
    return object;
  }
  /// Borrowed.
  PyObject* get(const Attached&) const noexcept { return node_->object; }
  /// Any thread: does the object belong to the interpreter of `queue`?
  bool belongs_to(const DropQueue& queue) const noexcept { return node_->queue.get() == &queue; }

 private:
  DropQueue::Node* node_ = nullptr;
};

}  // namespace ep
