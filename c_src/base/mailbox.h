// Mailbox: many threads post, one thread drains, in the order of posting. Unbounded, lock-free.
//
// Invariant: `head_` is a stack of posted items, newest first, or closed(). The whole stack is
// taken at once and reversed, so a batch costs one atomic operation, and there is no ABA problem
// because single items are never popped.
#pragma once

#include <atomic>

namespace ep {

/// Base of whatever is posted; an item sits in at most one mailbox at a time.
struct MailboxNode {
  MailboxNode* next = nullptr;
};

template <class T>
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Any thread. False if the mailbox is closed: the caller keeps the item.
  bool post(T* item) noexcept {
    MailboxNode* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) return false;
      item->next = head;
    } while (!head_.compare_exchange_weak(head, item, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return true;
  }

  /// The items posted so far, oldest first, linked by `next`; null if none. Two threads that drain
  /// get disjoint batches, but the order between these is up to them.
  T* drain() noexcept {
    MailboxNode* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == nullptr || head == closed()) return nullptr;
    } while (!head_.compare_exchange_weak(head, nullptr, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return reversed(head);
  }

  /// Any thread. As drain(), and every later post() fails.
  T* close() noexcept {
    MailboxNode* head = head_.exchange(closed(), std::memory_order_acq_rel);
    return head == closed() ? nullptr : reversed(head);
  }

  /// Any thread; exact for the consumer.
  bool empty() const noexcept {
    MailboxNode* head = head_.load(std::memory_order_seq_cst);
    return head == nullptr || head == closed();
  }

  static T* next(T* item) noexcept { return static_cast<T*>(item->next); }

 private:
  MailboxNode* closed() const noexcept { return const_cast<MailboxNode*>(&closed_); }

  static T* reversed(MailboxNode* head) noexcept {
    MailboxNode* out = nullptr;
    while (head != nullptr) {
      MailboxNode* next = head->next;
      head->next = out;
      out = head;
      head = next;
    }
    return static_cast<T*>(out);
  }

  std::atomic<MailboxNode*> head_{nullptr};
  MailboxNode closed_;  // its address marks the closed state
};

}  // namespace ep
