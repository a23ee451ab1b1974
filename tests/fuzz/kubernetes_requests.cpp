// What kubectl and others send to devcluster's API, as one conversation: method, address, type and body of each
// request.
#include <boost/json.hpp>

#include "apps/devcluster/api/api.hpp"
#include "atrium/net/http.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::devcluster;

namespace {

constexpr std::string_view methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::string_view types[] = {"application/json",
                                      "application/merge-patch+json",
                                      "application/strategic-merge-patch+json",
                                      "application/json-patch+json",
                                      "application/apply-patch+yaml",
                                      "application/vnd.kubernetes.protobuf"};
constexpr std::string_view accepts[] = {"application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"};

api_request read(tests::fuzz_input& in) {
  api_request r;
  const auto how = in.byte();
  r.method = methods[how % std::size(methods)];
  r.content_type = types[how / 8 % std::size(types)];
  r.accept = accepts[how >> 7];
  const auto target = in.part();
  r.path = target.substr(0, target.find('?'));
  if (r.path.size() < target.size()) r.query = net::parse_form(target.substr(r.path.size() + 1));
  r.body = in.part();
  return r;
}

void check(const outcome& out) {
  if (const auto* answer = std::get_if<api_answer>(&out)) {
    ATRIUM_ASSERT(answer->status >= 200 && answer->status < 600, "answers have a status");
    boost::json::error_code problem;
    if (answer->content_type == "application/json") {
      const auto body = boost::json::parse(answer->body, problem);
      ATRIUM_ASSERT(!problem, "answers are JSON");
      ATRIUM_ASSERT(answer->status < 400 || text_at(body, {"kind"}) == "Status", "failures say why");
    }
  } else if (const auto* call = std::get_if<pod_call>(&out)) {
    ATRIUM_ASSERT(call->pod, "a call has its pod");
  } else {
    ATRIUM_ASSERT(std::get<watch_plan>(out).type, "a watch has its kind");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  object_store store{store_limits{}};
  registry objects(store, [] { return std::chrono::system_clock::from_time_t(1'800'000'000); });
  objects.bootstrap();
  api front(objects);
  for (int i = 0; i < 8 && !in.empty(); ++i) check(front.handle(read(in)));
  for (const char* kind : {"pods", "configmaps", "secrets", "namespaces"}) {
    const auto out = front.handle({.method = "GET", .path = std::string("/api/v1/") + kind});
    ATRIUM_ASSERT(std::get<api_answer>(out).status == 200, "whatever was stored can be listed");
    check(out);
  }
  return 0;
}
