/* An intruder inside a session's worker: preloaded into the server under test,
 * it takes syscall(3) over, and where openat2(2) is to open the name of an
 * attack ("plant-shadow") it makes that attack in the thread that serves the
 * session. What came of it goes to a file that was mapped at the start.
 *
 * PLANT_RESULTS  the file; lines "attack errno", errno 0 where it succeeded
 * PLANT_SIBLING  a file of another account
 * PLANT_WRITE    a file in the session's own root
 * PLANT_ROOT     that root
 * PLANT_VICTIM   id of a process to signal, to trace and to look into
 * PLANT_NO_LANDLOCK  set where the kernel shall seem to have no Landlock
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 4096

static char *results;
static const char *sibling, *own, *root, *no_landlock;
static pid_t victim;
static long (*kernel)(long, ...);

__attribute__((constructor)) static void plant(void) {
    const char *path = getenv("PLANT_RESULTS");
    int file = path ? open(path, O_RDWR) : -1;
    kernel = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    sibling = getenv("PLANT_SIBLING");
    own = getenv("PLANT_WRITE");
    root = getenv("PLANT_ROOT");
    no_landlock = getenv("PLANT_NO_LANDLOCK");
    victim = getenv("PLANT_VICTIM") ? atoi(getenv("PLANT_VICTIM")) : 0;
    /* The environment may be cleared later. */
    sibling = sibling ? strdup(sibling) : "";
    own = own ? strdup(own) : "";
    root = root ? strdup(root) : "";
    if (file >= 0) {
        results = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
    }
}

static long open_by_name(const char *path, long flags) {
    struct open_how how = {.flags = flags};
    long file = kernel(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (file >= 0) kernel(SYS_close, file);
    return file;
}

static long make_socket(int domain, int type, int protocol) {
    long descriptor = kernel(SYS_socket, domain, type, protocol);
    if (descriptor >= 0) kernel(SYS_close, descriptor);
    return descriptor;
}

/* Where no process can be made, the refusal of execve itself counts: without
 * a name it fails in any case, with EFAULT where it is not refused. */
static long execute(void) {
    static char *const words[] = {"/bin/true", NULL};
    int status;
    long child = kernel(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (child == 0) {
        kernel(SYS_execve, words[0], words, NULL);
        kernel(SYS_exit_group, (long)errno);
    }
    if (child < 0) return kernel(SYS_execve, NULL, NULL, NULL);
    if (kernel(SYS_wait4, child, &status, 0L, NULL) < 0) return -1;
    errno = WEXITSTATUS(status);
    return errno ? -1 : 0;
}

/* Over the session's own root, and taken away again. */
static long mount_over(void) {
    long result = kernel(SYS_mount, "none", root, "tmpfs", 0L, NULL);
    if (result == 0) kernel(SYS_umount2, root, (long)MNT_DETACH);
    return result;
}

static long look_into(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", victim);
    return open_by_name(path, O_RDONLY);
}

/* Its arguments are wrong: EFAULT where it is not refused. */
static long rare(void) { return kernel(SYS_io_uring_setup, 1L, NULL); }

static long attack(const char *name) {
    if (!strcmp(name, "shadow")) return open_by_name("/etc/shadow", O_RDONLY);
    if (!strcmp(name, "sibling")) return open_by_name(sibling, O_RDONLY);
    if (!strcmp(name, "open")) {
        long file = kernel(SYS_openat, AT_FDCWD, own, (long)O_RDONLY, 0L);
        if (file >= 0) kernel(SYS_close, file);
        return file;
    }
    if (!strcmp(name, "write")) return open_by_name(own, O_WRONLY);
    if (!strcmp(name, "exec")) return execute();
    if (!strcmp(name, "setuid")) return kernel(SYS_setresuid, 0L, 0L, 0L);
    if (!strcmp(name, "kill")) return kernel(SYS_kill, (long)victim, 0L);
    if (!strcmp(name, "ptrace")) return kernel(SYS_ptrace, (long)PTRACE_SEIZE, (long)victim, 0L, 0L);
    if (!strcmp(name, "unix")) return make_socket(AF_UNIX, SOCK_STREAM, 0);
    if (!strcmp(name, "raw")) return make_socket(AF_INET, SOCK_RAW, 1);
    if (!strcmp(name, "memory")) return look_into();
    if (!strcmp(name, "mount")) return mount_over();
    if (!strcmp(name, "rare")) return rare();
    errno = EDOM;
    return -1;
}

/* The server makes these calls through here. */
long syscall(long number, ...) {
    va_list more;
    va_start(more, number);
    long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
    long d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
    va_end(more);
    if (no_landlock && (number == SYS_landlock_create_ruleset ||
                        number == SYS_landlock_add_rule ||
                        number == SYS_landlock_restrict_self)) {
        errno = ENOSYS;
        return -1;
    }
    const char *name = results && number == SYS_openat2 ? strstr((char *)b, "plant-") : NULL;
    if (!name) return kernel(number, a, b, c, d, e, f);
    name += sizeof "plant-" - 1;
    int error = attack(name) < 0 ? errno : 0;
    size_t at = strlen(results);
    snprintf(results + at, ROOM - at, "%s %d\n", name, error);
    errno = ENOENT;
    return -1;
}
