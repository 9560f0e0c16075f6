// Reads a file of the server through the root of the server's process. outside: root
#include "attempt.h"

int main(void) {
    char root[64];
    snprintf(root, sizeof root, "/proc/%s/root", variable("CORPUS_SERVER"));
    return read_joined(root, "", variable("CORPUS_SERVER_FILE"));
}
