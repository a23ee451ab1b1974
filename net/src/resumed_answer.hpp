/// @file resumed_answer.hpp - the body of an answer that goes on over a new connection when its own breaks (RFC 9110
/// section 14). Layer: net, private.
#pragma once

#include "atrium/net/proxy.hpp"

namespace atrium::net {

/// Which bytes an answer brings, of which version of a resource: enough to ask for the rest and to know it again.
struct answer_part {
  std::uint64_t first = 0, end = 0, size = 0;  ///< bytes [first, end) of `size`
  std::string etag;                            ///< a strong one: the same means the same bytes
  bool operator==(const answer_part&) const = default;
};

/// Nullopt when the rest could not be asked for: no strong ETag, no byte ranges, length unknown. I/O-free.
std::optional<answer_part> part_of(unsigned status, const headers&);

class resumed_answer final : public body_reader {
 public:
  /// The first request, to be sent again.
  using repeat = std::function<request()>;
  /// `body` is that of the answer which `part` describes. `client` must outlive it, `to` too.
  resumed_answer(http_client& client, const origin& to, repeat again, answer_part part,
                 std::unique_ptr<body_reader> body, rt::duration patience)
      : client_(client),
        to_(to),
        again_(std::move(again)),
        left_(std::move(part)),
        length_(left_.end - left_.first),
        body_(std::move(body)),
        patience_(patience) {}

  rt::task<std::size_t> read_some(std::span<std::byte> into) override;
  std::optional<std::uint64_t> length() const noexcept override { return length_; }
  bool finished() const noexcept override { return left_.first == left_.end; }

 private:
  rt::task<void> resume(std::exception_ptr lost);
  /// The rest as it comes now. Null: try again later. @errors `lost` when there is nothing to wait for
  rt::task<std::unique_ptr<body_reader>> ask(rt::duration limit, std::exception_ptr lost);

  http_client& client_;
  const origin& to_;
  repeat again_;
  answer_part left_;
  std::uint64_t length_;
  std::unique_ptr<body_reader> body_;
  rt::duration patience_;
  unsigned breaks_ = 0;
};

}  // namespace atrium::net
