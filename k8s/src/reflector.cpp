#include <boost/json.hpp>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/k8s/informer.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::k8s {

namespace {

struct reflector {
  client& api;
  const resource kind;
  informer_options options;
  reflector_sink& sink;
  reflector_machine machine;
  metrics::counter& lists;
  metrics::counter& events;
  metrics::counter& failures;
};

rt::time_point loop_now() { return rt::loop::current().now(); }

std::string key_of(const boost::json::value& object) {
  auto ns = text_at(object, {"metadata", "namespace"});
  auto name = text_at(object, {"metadata", "name"});
  return ns.empty() ? name : ns + "/" + name;
}

// Lists come from the quorum: one from a server's cache may be older than what we have seen before.
rt::task<void> list(reflector& r) {
  r.lists.add();
  list_options o{
      .label_selector = r.options.label_selector, .field_selector = r.options.field_selector, .limit = r.options.page};
  std::optional<error> failed;
  std::string token;
  r.sink.list_begin();
  try {
    object_list page;
    do {
      page = co_await r.api.list_page(r.kind, r.options.ns, o, token);
      for (const auto& item : *page.items) r.sink.upsert(key_of(item), item);
      token = page.continue_token;
    } while (!token.empty());
    r.machine.listed(loop_now(), page.resource_version);
  } catch (const failure& f) {
    r.sink.list_abandoned();
    if (f.disposition() == disposition::cancelled) throw;
    failed = f.error();
  }
  if (!failed) {
    r.sink.list_end();
    co_return;
  }
  // Pages that expire faster than we read them: take all at once.
  if (failed->code() == code_gone && !token.empty()) r.options.page = 0;
  r.failures.add();
  log::warn("list failed", {{"kind", r.kind.plural}, {"error", *failed}});
  r.machine.list_failed(loop_now());
}

/// Reads events until the watch is over. Throws what ends it out of order.
rt::task<void> read_events(reflector& r, const reflector_machine::step& s, bool& told) {
  auto stream = co_await r.api.watch(r.kind, r.options.ns,
                                     {.label_selector = r.options.label_selector,
                                      .field_selector = r.options.field_selector,
                                      .resource_version = s.resource_version,
                                      .timeout = s.timeout});
  r.machine.watch_opened(loop_now());
  for (;;) {
    auto event = co_await rt::with_timeout(r.options.reflector.quiet_limit, stream->next());
    if (!event) co_return;
    r.events.add();
    switch (r.machine.event(loop_now(), *event)) {
      case reflector_machine::verdict::upsert:
        r.sink.upsert(key_of(*event->object), *event->object);
        break;
      case reflector_machine::verdict::remove:
        r.sink.remove(key_of(*event->object));
        break;
      case reflector_machine::verdict::nothing:
        break;
      case reflector_machine::verdict::stop_watching:
        log::info("watch expired", {{"kind", r.kind.plural}, {"version", s.resource_version}});
        told = true;
        co_return;
    }
  }
}

rt::task<void> watch(reflector& r, const reflector_machine::step& s) {
  bool told = false;
  std::optional<error> failed;
  try {
    co_await read_events(r, s, told);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    failed = f.error();
  }
  if (told) co_return;
  if (failed) {
    r.failures.add();
    log::info("watch ended", {{"kind", r.kind.plural}, {"error", *failed}});
  }
  r.machine.watch_ended(loop_now(), failed ? &*failed : nullptr);
}

}  // namespace

rt::task<void> run_reflector(client& api, const resource& kind, informer_options options, reflector_sink& sink) {
  const metrics::labels labels{{"kind", kind.plural}};
  reflector r{api,
              kind,
              options,
              sink,
              reflector_machine(options.reflector),
              metrics::get_counter("atrium_k8s_lists_total", "Lists of an informer", labels),
              metrics::get_counter("atrium_k8s_watch_events_total", "Events that informers received", labels),
              metrics::get_counter("atrium_k8s_watch_failures_total", "Lists and watches that failed", labels)};
  for (;;) {
    const auto step = r.machine.next();
    if (step.wait > rt::duration{}) co_await rt::sleep_for(step.wait);
    if (step.what == reflector_machine::step::kind::list) co_await list(r);
    else co_await watch(r, step);
  }
}

}  // namespace atrium::k8s
