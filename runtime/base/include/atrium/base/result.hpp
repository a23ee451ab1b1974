/// @file result.hpp - an outcome that the caller must look at: a value or an `error`. Layer: base.
#pragma once

#include <boost/system/result.hpp>

#include "atrium/base/error.hpp"

namespace atrium {

/// Used by I/O-free code (parsers, planners, rules), which never throws for bad input.
/// `r.has_value()`, `*r`, `r->`, `r.error()`; `r.value()` throws `failure` when there is none.
template <class T>
using result = boost::system::result<T, error>;

[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) { throw failure(e); }

}  // namespace atrium
