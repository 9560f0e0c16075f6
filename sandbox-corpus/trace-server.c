// Attaches to the server as a debugger does, and lets go again. outside: root
#include "attempt.h"

#define SEIZE 0x4206

int main(void) {
    // The end of a tracer lets go of what it traces.
    return ptrace(SEIZE, atoi(variable("CORPUS_SERVER")), NULL, NULL) == 0 ? escaped("attached") : held();
}
