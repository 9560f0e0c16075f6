// Starts processes until it may not, or has more than it should.
#include "attempt.h"

int main(void) {
    enum { MOST = 4096 };
    static int children[MOST];
    int most = atoi(variable("CORPUS_PROCESSES")), started = 0, refused = 0;
    for (; started < most && started < MOST; started++) {
        int child = fork();
        if (child == 0) {
            for (;;) {
                pause();
            }
        }
        if (child < 0) {
            refused = errno;
            break;
        }
        children[started] = child;
    }
    for (int at = 0; at < started; at++) {
        kill(children[at], 9);
        waitpid(children[at], NULL, 0);
    }
    errno = refused;
    return refused ? held() : escaped("started them all");
}
