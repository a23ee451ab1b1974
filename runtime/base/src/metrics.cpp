#include "atrium/base/metrics.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

namespace atrium::metrics {
namespace {

template <class Metric>
using series = std::map<std::string, std::unique_ptr<Metric>, std::less<>>;  // by rendered labels

struct family {
  std::string help;
  series<counter> counters;
  series<gauge> gauges;
  series<histogram> histograms;
};

struct registry {
  std::mutex mutex;
  std::map<std::string, family, std::less<>> families;
};

registry& all() {
  static registry r;
  return r;
}

std::string render(labels pairs) {
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += ',';
    out.append(key).append("=\"");
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') out += "\\n";
      else out += c;
    }
    out += '"';
  }
  return out;
}

template <class Metric>
Metric& find(series<Metric> family::* which, std::string_view name, std::string_view help, labels pairs) {
  auto& r = all();
  const std::lock_guard lock(r.mutex);
  auto it = r.families.find(name);
  if (it == r.families.end()) it = r.families.emplace(std::string(name), family{std::string(help), {}, {}, {}}).first;
  auto& slot = (it->second.*which)[render(pairs)];
  if (!slot) slot = std::make_unique<Metric>();
  return *slot;
}

void line(std::string& out, std::string_view name, std::string_view suffix, std::string_view pairs,
          const std::string& value) {
  out.append(name).append(suffix);
  if (!pairs.empty()) out.append("{").append(pairs).append("}");
  out.append(" ").append(value).append("\n");
}

}  // namespace

std::size_t histogram::bucket_of(double seconds) noexcept {
  std::size_t i = 0;
  while (i < std::size(bounds) && seconds > bounds[i]) ++i;
  return i;
}

void histogram::observe(double seconds) noexcept {
  buckets_[bucket_of(seconds)].fetch_add(1, std::memory_order_relaxed);
  micros_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

void histogram::add(std::span<const std::uint64_t, buckets> counts, std::uint64_t sum_micros) noexcept {
  for (std::size_t i = 0; i < buckets; ++i)
    if (counts[i]) buckets_[i].fetch_add(counts[i], std::memory_order_relaxed);
  micros_.fetch_add(sum_micros, std::memory_order_relaxed);
}

void histogram::write(std::string& out, std::string_view name, std::string_view pairs) const {
  std::uint64_t total = 0;
  const std::string prefix = pairs.empty() ? "" : std::string(pairs) + ",";
  for (std::size_t i = 0; i <= std::size(bounds); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    char bound[16] = "+Inf";
    if (i < std::size(bounds)) std::snprintf(bound, sizeof bound, "%g", bounds[i]);
    line(out, name, "_bucket", prefix + "le=\"" + bound + "\"", std::to_string(total));
  }
  line(out, name, "_sum", pairs, std::to_string(static_cast<double>(micros_.load(std::memory_order_relaxed)) / 1e6));
  line(out, name, "_count", pairs, std::to_string(total));
}

counter& get_counter(std::string_view name, std::string_view help, labels pairs) {
  return find(&family::counters, name, help, pairs);
}
gauge& get_gauge(std::string_view name, std::string_view help, labels pairs) {
  return find(&family::gauges, name, help, pairs);
}
histogram& get_histogram(std::string_view name, std::string_view help, labels pairs) {
  return find(&family::histograms, name, help, pairs);
}

std::string text() {
  auto& r = all();
  const std::lock_guard lock(r.mutex);
  std::string out;
  for (const auto& [name, f] : r.families) {
    const char* type = !f.histograms.empty() ? "histogram" : !f.gauges.empty() ? "gauge" : "counter";
    out.append("# HELP ").append(name).append(" ").append(f.help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    for (const auto& [pairs, m] : f.counters) line(out, name, "", pairs, std::to_string(m->value()));
    for (const auto& [pairs, m] : f.gauges) line(out, name, "", pairs, std::to_string(m->value()));
    for (const auto& [pairs, m] : f.histograms) m->write(out, name, pairs);
  }
  return out;
}

}  // namespace atrium::metrics
