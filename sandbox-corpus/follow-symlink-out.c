// Follows a link of its own to a file of the server.
#include "attempt.h"

int main(void) {
    char link[4096];
    snprintf(link, sizeof link, "%s/link-by-c", variable("CORPUS_TMP"));
    if (symlink(variable("CORPUS_SERVER_FILE"), link) != 0) {
        return held();
    }
    return read_file(link);
}
