/// @file follower.hpp - an informer whose every word is checked: nothing told twice, nothing going back in time.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <charconv>

#include "atrium/base/metrics.hpp"
#include "atrium/k8s/informer.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::tests {

/// Follows the ConfigMaps with the label `followed`; in each stands a number that only grows, over deletions too.
class follower {
 public:
  using numbers = std::map<std::string, int>;  ///< by name

  follower(k8s::client& api, std::string ns, unsigned page = 500)
      : maps_(api, k8s::resources::configmaps, options(std::move(ns), page),
              [this](const boost::json::value& v) { return project(v); }) {
    maps_.on_changed([this](const std::string& key, const int* before, const int& now) { changed(key, before, now); });
    maps_.on_deleted([this](const std::string& key, const int& last) { deleted(key, last); });
  }

  rt::task<void> run() { return maps_.run(); }
  rt::task<void> wait_synced() { return maps_.wait_synced(); }
  /// Returns when it holds exactly this.
  rt::task<void> wait_for(numbers wanted) {
    while (told_ != wanted) co_await changed_.wait();
  }
  const numbers& told() const noexcept { return told_; }
  int added() const noexcept { return added_; }
  int removed() const noexcept { return removed_; }
  /// How often informers of ConfigMaps have listed in this process.
  static std::uint64_t lists() {
    return metrics::get_counter("atrium_k8s_lists_total", "Lists of an informer", {{"kind", "configmaps"}}).value();
  }
  /// Called with each object that is read; may block, as a machine without time does.
  std::function<void(const boost::json::value&)> on_read;

  static constexpr const char* label = "followed";

 private:
  // Watches of a second meet what is refused soon.
  static k8s::informer_options options(std::string ns, unsigned page) {
    using namespace std::chrono_literals;
    return {.ns = std::move(ns),
            .label_selector = label,
            .page = page,
            .reflector = {.retry = {.first = 50ms, .longest = 500ms}, .watch_least = 1s, .shortest_watch = 0s}};
  }
  std::optional<int> project(const boost::json::value& v) {
    if (on_read) on_read(v);
    const auto text = k8s::text_at(v, {"data", "n"});
    int n = -1;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  }
  static std::string name_of(const std::string& key) { return key.substr(key.find('/') + 1); }
  void changed(const std::string& key, const int* before, int now) {
    const auto name = name_of(key);
    const auto known = told_.find(name);
    EXPECT_EQ(before == nullptr, known == told_.end()) << name << " is told as new twice";
    if (before && known != told_.end()) EXPECT_EQ(*before, known->second);
    EXPECT_GT(now, highest_[name]) << name << " went back in time";
    highest_[name] = told_[name] = now;
    added_ += before == nullptr;
    changed_.notify_all();
  }
  void deleted(const std::string& key, int last) {
    const auto known = told_.find(name_of(key));
    ASSERT_NE(known, told_.end()) << key << " is told as gone twice";
    EXPECT_EQ(known->second, last);
    told_.erase(known);
    ++removed_;
    changed_.notify_all();
  }

  k8s::informer<int> maps_;
  numbers told_, highest_;
  int added_ = 0, removed_ = 0;
  rt::condition changed_;
};

}  // namespace atrium::tests
