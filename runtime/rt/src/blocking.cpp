#include "atrium/rt/blocking.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "atrium/base/metrics.hpp"
#include "atrium/rt/io.hpp"
#include "backend.hpp"
#include "simulated_kernel.hpp"

namespace atrium::rt {
namespace {

/// Threads are started on demand, up to four, and live as long as the process.
class thread_pool {
 public:
  static thread_pool& instance() {
    static thread_pool pool;
    return pool;
  }

  void submit(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(job), clock::now()});
    numbers().waiting.add(1);
    if (idle_ < jobs_.size() && threads_.size() < most) threads_.emplace_back([this] { work(); });
    wake_.notify_one();
  }

 private:
  static constexpr std::size_t most = 4;
  struct pool_metrics {
    metrics::gauge& waiting =
        metrics::get_gauge("atrium_runtime_blocking_jobs_waiting", "Blocking calls that wait for a thread of the pool");
    metrics::histogram& wait =
        metrics::get_histogram("atrium_runtime_blocking_wait_seconds", "Wait of a blocking call for a thread");
  };
  static pool_metrics& numbers() {
    static pool_metrics m;
    return m;
  }
  struct waiting_job {
    std::function<void()> run;
    time_point since;
  };

  ~thread_pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }

  void work() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the loops
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      numbers().waiting.add(-1);
      numbers().wait.observe(std::chrono::duration<double>(clock::now() - job.since).count());
      job.run();
      job.run = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<waiting_job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace

namespace detail {

constinit thread_local const task_node* served_task = nullptr;

void blocking_op::run() noexcept {
  try {
    work_();
  } catch (...) {
    failed_ = std::current_exception();
  }
}

bool blocking_op::begin(task_node* node, std::coroutine_handle<> h) {
  if (!enter(node, h)) return false;
  suspend();
  auto& l = node->owner();
  if (l.backend() == backend_kind::simulated) {
    simulation->run_blocking([this] { run(); }, [this] { wake(); });
    return true;
  }
  thread_pool::instance().submit([this, &l] {
    served_task = node_;  // it sleeps meanwhile
    run();
    served_task = nullptr;
    l.post([this] { wake(); });
  });
  return true;
}

void blocking_op::await_resume() const {
  throw_if_cancelled();
  if (failed_) std::rethrow_exception(failed_);
}

}  // namespace detail

namespace {

std::string read_whole(const std::string& path, std::size_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw failure(system_error(errno, "open " + path));
  std::string out;
  char buffer[65536];
  long n;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0 && out.size() <= limit)
    out.append(buffer, static_cast<std::size_t>(n));
  const int error_number = errno;
  ::close(fd);
  if (n < 0) throw failure(system_error(error_number, "read " + path));
  if (out.size() > limit)
    fail(disposition::overloaded, "The file " + path + " is larger than " + std::to_string(limit) + " bytes.");
  return out;
}

void write_whole(const std::string& path, const std::string& content, unsigned mode) {
  const std::string beside = path + ".tmp" + std::to_string(::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) throw failure(system_error(errno, "create " + beside));
  std::size_t done = 0;
  long n = 0;
  while (done < content.size() && (n = ::write(fd, content.data() + done, content.size() - done)) > 0)
    done += static_cast<std::size_t>(n);
  const int error_number = errno;
  ::close(fd);
  if (n < 0 || ::rename(beside.c_str(), path.c_str()) < 0) {
    const int e = n < 0 ? error_number : errno;
    ::unlink(beside.c_str());
    throw failure(system_error(e, "write " + path));
  }
}

}  // namespace

task<std::string> read_file(std::string path, std::size_t limit) {
  co_return co_await blocking([&] { return read_whole(path, limit); });
}

task<void> write_file(std::string path, std::string content, unsigned mode) {
  co_await blocking([&] { write_whole(path, content, mode); });
}

}  // namespace atrium::rt
