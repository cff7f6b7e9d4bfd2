/* A PAM module that misbehaves by the name of the user. Compiled by the test;
 * not linked with libpam, as some modules in the field are not. Arguments:
 * a FIFO to say "PID\n" to when it has begun, a FIFO to wait at. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct message { int style; const char *text; };
struct response { char *text; int code; };
struct conversation {
    int (*ask)(int, const struct message **, struct response **, void *);
    void *data;
};

int pam_get_user(void *handle, const char **user, const char *prompt);
int pam_get_item(const void *handle, int item, const void **value);
int pam_fail_delay(void *handle, unsigned int microseconds);

#ifdef CRASHES_WHEN_LOADED
__attribute__((constructor)) static void load(void) { raise(SIGSEGV); }
#endif

#ifdef HAS_A_THREAD
#include <pthread.h>
/* As the runtime of Go, in which some modules are written. */
static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}
__attribute__((constructor)) static void load(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
}
#endif

static void begin(const char *fifo)
{
    int fd = open(fifo, O_WRONLY);
    dprintf(fd, "%d\n", getpid());
    close(fd);
}

/* Two prompts and two remarks at once; 0 when the answers are right. */
static int talk(void *handle, const char *user)
{
    struct message said[4] = {
        {4, "Hear, hear."}, {2, "login: "}, {1, "Password: "}, {3, "forged\nline"},
    };
    const struct message *all[4] = {&said[0], &said[1], &said[2], &said[3]};
    struct response *answers = NULL;
    const struct conversation *with = NULL;
    if (pam_get_item(handle, 5, (const void **)&with) != 0 || with == NULL)
        return 4;
    if (with->ask(4, all, &answers, with->data) != 0)
        return 19;
    int right = answers[0].text == NULL && strcmp(answers[1].text, user) == 0 &&
                strcmp(answers[2].text, "right") == 0 && answers[3].text == NULL;
    for (int i = 0; i < 4; i++)
        free(answers[i].text);
    free(answers);
    return right ? 0 : 7;
}

int pam_sm_authenticate(void *handle, int flags, int argc, const char **argv)
{
    const char *user = NULL;
    if (argc < 2 || pam_get_user(handle, &user, NULL) != 0)
        return 4;
    if (strcmp(user, "slow") == 0) {
        char byte;
        begin(argv[0]);
        int fd = open(argv[1], O_RDONLY);
        return read(fd, &byte, 1) == 1 ? 0 : 4;
    }
    if (strcmp(user, "sleeps") == 0) {
        char byte;
        begin(argv[0]);
        sleep(5);
        int fd = open(argv[1], O_RDONLY);
        return read(fd, &byte, 1) == 1 ? 0 : 4;
    }
    if (strcmp(user, "hangs") == 0) {
        signal(SIGTERM, SIG_IGN);
        begin(argv[0]);
        for (;;)
            pause();
    }
    if (strcmp(user, "starts") == 0 && fork() == 0) {
        /* A child of its own that outlives it. */
        begin(argv[0]);
        for (;;)
            pause();
    }
    if (strcmp(user, "starts") == 0)
        for (;;)
            pause();
    if (strcmp(user, "crashes") == 0)
        raise(SIGSEGV);
    if (strcmp(user, "aborts") == 0)
        abort();
    if (strcmp(user, "dies") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(user, "quits") == 0)
        exit(0);
    if (strcmp(user, "delays") == 0) {
        pam_fail_delay(handle, 30000000);
        return 7;
    }
    if (strcmp(user, "talks") == 0)
        return talk(handle, user);
    (void)flags;
    return 0;
}

int pam_sm_setcred(void *handle, int flags, int argc, const char **argv)
{
    /* As pam_group does. */
    gid_t groups[65];
    int count = getgroups(64, groups);
    groups[count] = 54321;
    (void)handle, (void)flags, (void)argc, (void)argv;
    return setgroups(count + 1, groups) == 0 ? 0 : 17;
}
