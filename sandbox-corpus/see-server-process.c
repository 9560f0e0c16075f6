// Looks at the process of the server.
#include "attempt.h"

int main(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%s/cmdline", variable("CORPUS_SERVER"));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return held();
    }
    size_t read = fread(text, 1, sizeof text - 1, file);
    text[read] = 0;
    for (size_t at = 0; at < read; at += strlen(text + at) + 1) {
        if (strstr(text + at, variable("CORPUS_SERVER_NAME")) != NULL) {
            return escaped("sees it");
        }
    }
    puts("HELD that process is another");
    return 0;
}
