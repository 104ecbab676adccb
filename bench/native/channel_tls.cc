// TLS channels over OpenSSL. The handshake happens inside the first read or write.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <stdexcept>

#include "channel.h"

namespace ep::bench {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Session = std::unique_ptr<SSL, FreeSession>;

void require(bool good, const char* what) {
  if (good) return;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(std::string("TLS: ") + what + ": " + (reason ? reason : "failed"));
}

class TlsChannel final : public Channel {
 public:
  TlsChannel(UniqueFd fd, Session session) : Channel(std::move(fd)), session_(std::move(session)) {}

  IoResult read(std::span<char> into) override {
    ERR_clear_error();
    std::size_t n = 0;
    const int ok = SSL_read_ex(session_.get(), into.data(), into.size(), &n);
    return result(ok, n);
  }

  IoResult write(std::span<const char> from) override {
    ERR_clear_error();
    std::size_t n = 0;
    const int ok = SSL_write_ex(session_.get(), from.data(), from.size(), &n);
    return result(ok, n);
  }

  bool has_buffered() const override { return SSL_has_pending(session_.get()) == 1; }

 private:
  IoResult result(int ok, std::size_t bytes) const {
    if (ok == 1) return {IoStatus::kProgress, bytes};
    switch (SSL_get_error(session_.get(), ok)) {
      case SSL_ERROR_WANT_READ:
        return {IoStatus::kWantRead};
      case SSL_ERROR_WANT_WRITE:
        return {IoStatus::kWantWrite};
      default:
        return {IoStatus::kClosed};
    }
  }

  Session session_;
};

class TlsFactory final : public ChannelFactory {
 public:
  TlsFactory(Context context, bool is_server)
      : context_(std::move(context)), is_server_(is_server) {
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // OpenSSL writes to the socket by write(2), which has no MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
  }

  std::unique_ptr<Channel> wrap(UniqueFd fd) override {
    Session session(SSL_new(context_.get()));
    require(session != nullptr && SSL_set_fd(session.get(), fd.get()) == 1, "new session");
    if (is_server_) {
      SSL_set_accept_state(session.get());
    } else {
      SSL_set_connect_state(session.get());
    }
    return std::make_unique<TlsChannel>(std::move(fd), std::move(session));
  }

 private:
  Context context_;
  bool is_server_;
};

}  // namespace

std::unique_ptr<ChannelFactory> tls_server_channels(const std::string& certificate_file,
                                                    const std::string& key_file) {
  Context context(SSL_CTX_new(TLS_server_method()));
  require(context != nullptr, "context");
  require(SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) == 1,
          "certificate");
  require(SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1,
          "private key");
  return std::make_unique<TlsFactory>(std::move(context), true);
}

std::unique_ptr<ChannelFactory> tls_client_channels() {
  Context context(SSL_CTX_new(TLS_client_method()));
  require(context != nullptr, "context");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return std::make_unique<TlsFactory>(std::move(context), false);
}

}  // namespace ep::bench
