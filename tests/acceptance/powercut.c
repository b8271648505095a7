/* Preloaded into a process (LD_PRELOAD), this sees all that the process does to the files below one folder.

   It writes each write, truncation, sync, creation, renaming and removal to a journal before (a sync: also after) it is
   done, so that a test can work out what a disk may hold after a power cut: what was synced, and of the rest whatever
   it likes. The files themselves are changed at once, as the page cache of a real system is: every reader, `stat` and
   mapping sees them as they would be there, and no read needs a hook. Syncs are not passed on, for the machine stays up;
   they take POWERCUT_SYNC_MICROSECONDS instead.

   Files ending in -shm are left alone: SQLite maps them, never syncs them, and makes them anew after a crash.

   POWERCUT_FOLDER   the folder, an absolute path without a slash at its end
   POWERCUT_JOURNAL  the journal, outside that folder
   POWERCUT_FAULTS   a file that names an error number and the end of a file's name ("28 -wal", or "28 *"): as long as
                     it is there, what would change such a file fails with this error

   powercut_arm() makes the process kill itself at one operation. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPENED = 1, WROTE, TRUNCATED, SYNC_BEGINS, SYNCED, RENAMED, REMOVED };

struct record {
  uint32_t magic, kind;
  uint64_t file, at, length;
};

#define MAGIC 0x43555421u
#define DESCRIPTORS 65536

static char folder[PATH_MAX], faults[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static useconds_t sync_microseconds;
static uint64_t inode_of[DESCRIPTORS];
static char *name_of[DESCRIPTORS];
static uint64_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
  const char *operation, *suffix;
  long count;
  int after;
} point;

__attribute__((constructor)) static void begin(void) {
  const char *where = getenv("POWERCUT_FOLDER"), *to = getenv("POWERCUT_JOURNAL"), *fault = getenv("POWERCUT_FAULTS");
  const char *slow = getenv("POWERCUT_SYNC_MICROSECONDS");
  if (!where || !to || strlen(where) >= sizeof folder) return;
  journal = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) return;
  if (fault) snprintf(faults, sizeof faults, "%s", fault);
  if (slow) sync_microseconds = (useconds_t)atol(slow);
  strcpy(folder, where);
  folder_length = strlen(folder);
}

static int ends_with(const char *name, const char *suffix) {
  size_t n = strlen(name), m = strlen(suffix);
  return n >= m && !strcmp(name + n - m, suffix);
}

static int watched(const char *path) {
  return folder_length && !strncmp(path, folder, folder_length) &&
         (path[folder_length] == '/' || !path[folder_length]) && !ends_with(path, "-shm");
}

void powercut_arm(const char *operation, const char *suffix, long count, int after) {
  point.operation = strdup(operation);
  point.suffix = strdup(suffix);
  point.after = after;
  point.count = count;
}

/* The caller holds the lock. */
static void reach(const char *operation, const char *name, int after) {
  if (!point.count || after != point.after || strcmp(operation, point.operation) || !ends_with(name, point.suffix))
    return;
  if (!--point.count) kill(getpid(), SIGKILL);
}

static void note(enum kind kind, uint64_t file, uint64_t at, const void *data, uint64_t length) {
  struct record head = {MAGIC, kind, file, at, length};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)data, length}};
  if (writev(journal, parts, 2) != (ssize_t)(sizeof head + length)) abort(); /* a journal with a gap proves nothing */
}

static int fault_of(const char *name) {
  char text[64] = "", suffix[48] = "";
  int error = 0, file;
  if (!faults[0] || (file = (int)syscall(SYS_openat, AT_FDCWD, faults, O_RDONLY)) < 0) return 0;
  ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  if (length <= 0 || sscanf(text, "%d %47s", &error, suffix) != 2) return 0;
  return !strcmp(suffix, "*") || ends_with(name, suffix) ? error : 0;
}

/* The name of a watched open file, or NULL. A number may have been given to something else behind our back. */
static const char *name(int fd) {
  struct stat now;
  if (fd < 0 || fd >= DESCRIPTORS || !inode_of[fd]) return NULL;
  return !fstat(fd, &now) && now.st_ino == inode_of[fd] ? name_of[fd] : NULL;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
  struct stat file;
  if (!watched(path)) {
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS) inode_of[fd] = 0;
    return fd;
  }
  int error = flags & (O_WRONLY | O_RDWR) ? fault_of(path) : 0;
  if (error == EROFS || (error && flags & O_CREAT && access(path, F_OK))) return errno = error, -1;
  pthread_mutex_lock(&lock);
  int existed = !stat(path, &file);
  int fd = (int)syscall(SYS_openat, at, path, flags, mode), kept = errno;
  if (fd >= 0 && fd < DESCRIPTORS && !fstat(fd, &file)) {
    inode_of[fd] = file.st_ino;
    free(name_of[fd]);
    name_of[fd] = strdup(path);
    note(OPENED, file.st_ino, !existed, path, strlen(path));
    if (existed && flags & O_TRUNC) note(TRUNCATED, file.st_ino, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return fd;
}

static mode_t mode_of(int flags, va_list more) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(more, int) : 0;
}

#define OPEN(NAME)                              \
  int NAME(const char *path, int flags, ...) {  \
    va_list more;                               \
    va_start(more, flags);                      \
    mode_t mode = mode_of(flags, more);         \
    va_end(more);                               \
    return opened(AT_FDCWD, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(NAME)                                   \
  int NAME(int at, const char *path, int flags, ...) { \
    va_list more;                                      \
    va_start(more, flags);                             \
    mode_t mode = mode_of(flags, more);                \
    va_end(more);                                      \
    return opened(at, path, flags, mode);              \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  if (fd >= 0 && fd < DESCRIPTORS) inode_of[fd] = 0;
  return (int)syscall(SYS_close, fd);
}

static ssize_t written(int fd, const void *data, size_t length, off_t at, int placed) {
  const char *file = name(fd);
  if (!file) return placed ? syscall(SYS_pwrite64, fd, data, length, at) : syscall(SYS_write, fd, data, length);
  if ((errno = fault_of(file))) return -1;
  pthread_mutex_lock(&lock);
  if (!placed) {
    struct stat now;
    at = fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &now) ? now.st_size : lseek(fd, 0, SEEK_CUR);
  }
  reach("write", file, 0);
  note(WROTE, inode_of[fd], (uint64_t)at, data, length);
  ssize_t done = placed ? syscall(SYS_pwrite64, fd, data, length, at) : syscall(SYS_write, fd, data, length);
  reach("write", file, 1);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return written(fd, data, length, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return written(fd, data, length, at, 1); }
ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, 0, 0); }

static int truncated(int fd, off_t length) {
  const char *file = name(fd);
  if (!file) return (int)syscall(SYS_ftruncate, fd, length);
  if ((errno = fault_of(file))) return -1;
  pthread_mutex_lock(&lock);
  reach("truncate", file, 0);
  note(TRUNCATED, inode_of[fd], (uint64_t)length, NULL, 0);
  int done = (int)syscall(SYS_ftruncate, fd, length);
  reach("truncate", file, 1);
  pthread_mutex_unlock(&lock);
  return done;
}

int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

/* What was written before the sync began is safe when it has ended; what another thread writes meanwhile is not. */
static int synced(int fd, long call) {
  const char *file = name(fd);
  if (!file) return (int)syscall(call, fd);
  if ((errno = fault_of(file))) return -1;
  pthread_mutex_lock(&lock);
  reach("sync", file, 0);
  uint64_t token = ++syncs;
  note(SYNC_BEGINS, inode_of[fd], token, NULL, 0);
  pthread_mutex_unlock(&lock);
  if (sync_microseconds) usleep(sync_microseconds);
  pthread_mutex_lock(&lock);
  note(SYNCED, inode_of[fd], token, NULL, 0);
  reach("sync", file, 1);
  pthread_mutex_unlock(&lock);
  return 0;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int rename(const char *from, const char *to) {
  if (!watched(to)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if ((errno = fault_of(to))) return -1;
  char both[2 * PATH_MAX];
  int length = snprintf(both, sizeof both, "%s%c%s", from, '\n', to);
  pthread_mutex_lock(&lock);
  reach("rename", to, 0);
  int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (!done) note(RENAMED, 0, 0, both, (uint64_t)length);
  reach("rename", to, 1);
  pthread_mutex_unlock(&lock);
  return done;
}

int unlink(const char *path) {
  if (!watched(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if ((errno = fault_of(path)) == EROFS) return -1;
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!done) note(REMOVED, 0, 0, path, strlen(path));
  pthread_mutex_unlock(&lock);
  return done;
}
