/// @file account.hpp - service accounts as pods have them: a token in a file that is replaced, permissions that may be
/// taken away, and a share of the API server that may be used up.
#pragma once

#include "atrium/net/client.hpp"
#include "tests/cluster/site.hpp"

namespace atrium::tests {

/// An account that may do everything with ConfigMaps and pods of a namespace of its own. The namespace ends with the
/// cluster.
class account {
 public:
  /// `name` names both.
  account(site& s, std::string name);
  ~account();
  account(const account&) = delete;
  /// Makes namespace, account, permission and the first token.
  rt::task<void> make();

  const std::string& name() const noexcept { return name_; }
  /// How a client signs in as this account: by its token file.
  k8s::config config() const;
  /// The same with the token of this moment for good.
  k8s::config config_of_this_token() const;

  /// A token of so many seconds (Kubernetes itself gives ten minutes at least).
  rt::task<std::string> token(int seconds);
  /// A token that lives as long as a Secret of that name, which is made when absent.
  rt::task<std::string> token_bound_to(std::string secret);
  /// As the kubelet replaces it: by renaming.
  void write_token(const std::string& token);

  rt::task<void> allow();
  rt::task<void> forbid();

 private:
  rt::task<void> apply(boost::json::value object);
  site& site_;
  std::string name_, folder_;
};

/// API priority and fairness at work: the API server takes one request of an account to create objects of a kind at a
/// time and refuses the others with 429 and Retry-After; take() then keeps that one place with a request that has no
/// end.
class one_place {
 public:
  one_place(site& s, std::string ns, std::string account, std::string plural)
      : site_(s), ns_(std::move(ns)), account_(std::move(account)), plural_(std::move(plural)) {}
  /// @errors none that pass: what the API server does not know yet is tried again
  rt::task<void> take();
  /// The limit goes with it.
  rt::task<void> give_back();
  /// How many requests the API server has refused here.
  rt::task<long> refused();

 private:
  rt::task<void> limit();
  site& site_;
  std::string ns_, account_, plural_;
  std::unique_ptr<net::http_client> client_;
  net::stream_ptr request_;
};

}  // namespace atrium::tests
