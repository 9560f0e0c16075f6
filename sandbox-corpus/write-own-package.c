// Changes its own package, and so what the next worker runs.
#include "attempt.h"

int main(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/changed-by-c", variable("CORPUS_PACKAGE"));
    return fopen(path, "w") != NULL ? escaped("wrote") : held();
}
