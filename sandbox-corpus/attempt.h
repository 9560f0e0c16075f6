// What the cases in C share. The same source is a program of this machine and, with WASI, a module of WebAssembly. What WASI does
// not have, a module can only ask its host for by name: it is then an import, and a host that has none refuses the module.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __wasm__
#define OF_HOST(name) __attribute__((import_module("env"), import_name(#name)))
OF_HOST(connect) int connect(int, const void *, unsigned);
OF_HOST(fork) int fork(void);
OF_HOST(init_module) long init_module(const void *, unsigned long, const char *);
OF_HOST(kill) int kill(int, int);
OF_HOST(mount) int mount(const char *, const char *, const char *, unsigned long, const void *);
OF_HOST(pause) int pause(void);
OF_HOST(ptrace) long ptrace(int, int, void *, void *);
OF_HOST(socket) int socket(int, int, int);
OF_HOST(umount) int umount(const char *);
OF_HOST(waitpid) int waitpid(int, int *, int);
#else
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#define init_module(image, size, words) syscall(SYS_init_module, image, size, words)
#endif

enum { INTERNET = 2, STREAM = 1, DATAGRAM = 2, RAW = 3 };

// A variable of the corpus, see README.md.
static const char *variable(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        printf("BROKEN without %s\n", name);
        exit(1);
    }
    return value;
}

static int escaped(const char *how) {
    printf("ESCAPED %s\n", how);
    return 0;
}

static int held(void) {
    printf("HELD %s\n", strerror(errno));
    return 0;
}

// Reads the start of a file: text, cut to one line.
static int read_file(const char *path) {
    char text[32];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return held();
    }
    size_t read = fread(text, 1, sizeof text - 1, file);
    if (read == 0 && ferror(file)) {
        return held();
    }
    text[read] = 0;
    text[strcspn(text, "\n")] = 0;
    return escaped(text);
}

// Reads the start of FOLDER/NAME or FOLDER + NAME.
static int read_joined(const char *before, const char *between, const char *after) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s%s", before, between, after);
    return read_file(path);
}

// The address HOST:PORT as the kernel takes it.
static void address_of(const char *text, unsigned char address[16]) {
    unsigned a = 0, b = 0, c = 0, d = 0, port = 0;
    sscanf(text, "%u.%u.%u.%u:%u", &a, &b, &c, &d, &port);
    unsigned short family = INTERNET;
    memset(address, 0, 16);
    memcpy(address, &family, 2);
    unsigned char rest[] = {port >> 8, port & 255, a, b, c, d};
    memcpy(address + 2, rest, sizeof rest);
}
