// Signals the server. The signal is one that nobody minds.
#include "attempt.h"

enum { URGENT = 23 };

int main(void) {
    char path[64], text[256];
    const char *server = variable("CORPUS_SERVER"), *name = variable("CORPUS_SERVER_NAME");
    if (kill(atoi(server), URGENT) != 0) {
        return held();
    }
    snprintf(path, sizeof path, "/proc/%s/cmdline", server);
    FILE *file = fopen(path, "r");
    size_t read = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[read] = 0;
    for (size_t at = 0; at < read; at += strlen(text + at) + 1) {
        if (strstr(text + at, name) != NULL) {
            return escaped("signalled");
        }
    }
    puts("HELD that process is another");
    return 0;
}
