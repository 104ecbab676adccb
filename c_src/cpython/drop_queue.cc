#include "cpython/drop_queue.h"

namespace ep {

void DropQueue::push(Node* node) noexcept {
  // Once posted, the node may be gone, and with it the last reference to this queue.
  const std::shared_ptr<DropQueue> self = node->queue;
  dropped_.post(node);
  if (!woken_.exchange(true, std::memory_order_seq_cst) && wake_) wake_();
}

int DropQueue::drain(const Attached&) noexcept {
  // Before the drain: whoever posts after it finds the flag down, and wakes again.
  woken_.store(false, std::memory_order_seq_cst);
  int count = 0;
  for (Node* node = dropped_.drain(); node != nullptr; ++count) {
    Node* next = Mailbox<Node>::next(node);
    PyObject* object = node->object;
    delete node;
    Py_DECREF(object);
    node = next;
  }
  return count;
}

}  // namespace ep
