// Part of a sanitized `atrium` only. The services that tests start write where nobody reads and have environments of
// their own, so their sanitizer keeps what it finds in ATRIUM_SANITIZER_REPORTS, where `./dev test` looks, and ends the
// process.
#define KEPT_REPORTS "log_path=" ATRIUM_SANITIZER_REPORTS "/atrium:halt_on_error=1"

extern "C" {
// The names for which the sanitizers' runtime looks.
const char* __asan_default_options() { return KEPT_REPORTS; }
const char* __ubsan_default_options() { return KEPT_REPORTS ":print_stacktrace=1"; }
const char* __tsan_default_options() { return KEPT_REPORTS; }
}
