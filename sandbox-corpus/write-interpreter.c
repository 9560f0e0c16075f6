// Changes the interpreter that others use, too: puts a longer copy in its place.
#include "attempt.h"

int main(void) {
    static char piece[1 << 16];
    char copy[4096];
    const char *path = variable("CORPUS_INTERPRETER");
    snprintf(copy, sizeof copy, "%s.by-c", path);
    FILE *from = fopen(path, "r"), *to = fopen(copy, "w");
    if (from == NULL || to == NULL) {
        return held();
    }
    for (size_t read; (read = fread(piece, 1, sizeof piece, from)) > 0;) {
        fwrite(piece, 1, read, to);
    }
    fputs("changed", to);
    fclose(to);
#ifndef __wasm__
    extern int chmod(const char *, unsigned);
    chmod(copy, 0755);
#endif
    return rename(copy, path) == 0 ? escaped("wrote") : held();
}
