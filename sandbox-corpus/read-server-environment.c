// Looks for the server's secret in the environment of its process. outside: root
#include "attempt.h"

int main(void) {
    static char text[1 << 16];
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/environ", variable("CORPUS_SERVER"));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return held();
    }
    size_t read = fread(text, 1, sizeof text - 1, file);
    for (size_t at = 0; at < read; at += strlen(text + at) + 1) {
        // In two parts, so that this program does not find itself.
        char *found = strstr(text + at, "CORPUS-");
        if (found != NULL && strncmp(found + 7, "SECRET", 6) == 0) {
            return escaped("found it");
        }
    }
    puts("HELD that process is another");
    return 0;
}
