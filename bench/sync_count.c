/* Preloaded into a measured process: counts its fsync and fdatasync calls, and makes each one longer where
   SYNC_DELAY_US (microseconds) says so, as an honest slow disk would. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long calls;

long sync_count(void) { return atomic_load(&calls); }

static int counted(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *delay = getenv("SYNC_DELAY_US");
    atomic_fetch_add(&calls, 1);
    if (delay) usleep((useconds_t)atol(delay));
    return real(fd);
}

int fsync(int fd) { return counted("fsync", fd); }
int fdatasync(int fd) { return counted("fdatasync", fd); }
