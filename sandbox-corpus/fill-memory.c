// Takes memory until it may not, or has more than it should.
#include "attempt.h"

int main(void) {
    long most = atol(variable("CORPUS_FILL_MIB")), taken = 0;
    for (; taken < most; taken++) {
        char *piece = malloc(1 << 20);
        if (piece == NULL) {
            break;
        }
        memset(piece, 'x', 1 << 20);
        // Written, and so taken, although nobody reads it.
        __asm__ volatile("" : : "r"(piece) : "memory");
    }
    if (taken >= most) {
        return escaped("took it all");
    }
    printf("HELD %ld MiB\n", taken);
    return 0;
}
