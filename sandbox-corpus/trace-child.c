// Traces a process of its own: the door to ptrace is shut altogether.
#include "attempt.h"

int main(void) {
    int status = 0, child = fork();
    if (child == 0) {
        _exit(ptrace(0, 0, NULL, NULL) == 0 ? 0 : errno);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return held();
    }
    errno = (status >> 8) & 255;
    return errno == 0 ? escaped("traced") : held();
}
