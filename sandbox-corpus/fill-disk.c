// Fills its scratch space until it is full, or holds more than it should.
#include "attempt.h"

int main(void) {
    static char piece[1 << 20];
    char path[4096];
    long most = atol(variable("CORPUS_FILL_MIB")), written = 0;
    snprintf(path, sizeof path, "%s/filled-by-c", variable("CORPUS_TMP"));
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return held();
    }
    setvbuf(file, NULL, _IONBF, 0);
    memset(piece, 'x', sizeof piece);
    while (written < most && fwrite(piece, 1, sizeof piece, file) == sizeof piece) {
        written++;
    }
    int refused = errno;
    fclose(file);
    unlink(path);
    errno = refused;
    return written >= most ? escaped("wrote it all") : held();
}
